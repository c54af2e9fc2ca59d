//! `cargo xtask bench icount`: instructions, which no noise of the machine moves.

mod report;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::tools;
use crate::process;

/// Runs each case of `bench-icount` under callgrind and writes `bench/results/icount.md`.
///
/// # Errors
/// When callgrind or the program is missing, a run fails, or something that must not grow with the
/// number of routes does; the report is written in that case too.
pub(super) fn run() -> Result<()> {
    if !process::installed("valgrind") {
        bail!("valgrind is missing: install the Debian package valgrind");
    }
    let built = tools::build("portunus-bench-icount")?;
    let program = built.iter().find(|program| program.ends_with("bench-icount"));
    let program = program.context("cargo built no bench-icount")?;
    let cases = process::output(process::command(&program.display().to_string())?.arg("--list"))?;
    let mut counts = Vec::new();
    for case in cases.lines() {
        let instructions = instructions(program, case)?;
        println!("{case:<32} {instructions:>8.0} instructions");
        counts.push(Count { case: case.to_owned(), instructions });
    }
    report::write(&counts)?;
    let grown: Vec<_> =
        growths(&counts).into_iter().filter(|one| one.times() > TIMES_MAX).collect();
    let names: Vec<_> = grown.iter().map(|growth| growth.many.case.as_str()).collect();
    ensure!(names.is_empty(), "more than {TIMES_MAX} times {FEW} routes: {}", names.join(", "));
    Ok(())
}

/// What one pass of a case executes.
struct Count {
    case: String,
    instructions: f64,
}

/// The same look-up in a small and in a large table.
struct Growth<'a> {
    few: &'a Count,
    many: &'a Count,
}

impl Growth<'_> {
    fn times(&self) -> f64 {
        self.many.instructions / self.few.instructions
    }
}

/// The pairs of cases that differ in the number of routes alone.
fn growths(counts: &[Count]) -> Vec<Growth<'_>> {
    let pair = |many| {
        let few = format!("{}{FEW}", stem(many)?);
        Some(Growth { few: counts.iter().find(|count| count.case == few)?, many })
    };
    counts.iter().filter_map(pair).collect()
}

/// The name of a case over the large table, without its number.
fn stem(count: &Count) -> Option<&str> {
    count.case.strip_suffix(MANY).filter(|stem| stem.ends_with('-'))
}

/// What the program executes in one pass of the case, without its own start.
fn instructions(program: &Path, case: &str) -> Result<f64> {
    let mut valgrind = process::command("valgrind")?;
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", MEASURED]);
    valgrind.arg(program).args(["--case", case, "--passes", &PASSES.to_string()]);
    let output = valgrind.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{case} failed:\n{said}");
    let total = collected(&said).with_context(|| format!("callgrind counted nothing:\n{said}"))?;
    Ok(total as f64 / PASSES as f64)
}

/// The number of instructions that callgrind says it collected.
fn collected(said: &str) -> Option<u64> {
    let total = said.lines().find_map(|line| line.split_once("Collected : "))?.1;
    total.trim().parse().ok().filter(|total| *total > 0)
}

/// A whole number of turns for the cases that go around some inputs.
const PASSES: u64 = 1000;
/// Counting begins and ends with the function in which the program makes its passes.
const MEASURED: &str = "--toggle-collect=*bench_icount*measured*";
const FEW: &str = "10";
const MANY: &str = "10000";
/// How much more a look-up among the many routes may cost.
const TIMES_MAX: f64 = 1.03;

#[cfg(test)]
mod tests;
