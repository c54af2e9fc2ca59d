//! `cargo xtask bench icount`: instructions, which no noise of the machine moves.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::tools;
use crate::process;

/// Runs each case of `bench-icount` under callgrind and prints the instructions per pass.
///
/// # Errors
/// When callgrind or the program is missing, or a run fails.
pub(super) fn run() -> Result<()> {
    if !process::installed("valgrind") {
        bail!("valgrind is missing: install the Debian package valgrind");
    }
    let built = tools::build("portunus-bench-tools")?;
    let program = built.iter().find(|program| program.ends_with("bench-icount"));
    let program = program.context("bench/tools has no program bench-icount")?;
    let cases = process::output(process::command(&program.display().to_string())?.arg("--list"))?;
    for case in cases.lines() {
        let once = instructions(program, case, 1)?;
        let more = instructions(program, case, 1 + PASSES)?;
        println!("{case:<32} {:>8} instructions", more.saturating_sub(once) / PASSES);
    }
    Ok(())
}

/// What the program executes to run the case that many times, its own start included.
fn instructions(program: &Path, case: &str, passes: u64) -> Result<u64> {
    let mut valgrind = process::command("valgrind")?;
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(program).args(["--case", case, "--passes", &passes.to_string()]);
    let output = valgrind.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let total = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, total) = total.with_context(|| format!("callgrind counted nothing:\n{said}"))?;
    Ok(total.trim().parse()?)
}

const PASSES: u64 = 1000;
