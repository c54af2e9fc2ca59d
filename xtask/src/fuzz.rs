//! `cargo xtask fuzz [seconds]`: each fuzz target in turn, for a bounded time.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::{install, process};

/// Runs each target of `fuzz/` for the given number of seconds, 60 unless told.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let seconds: u32 = match args.first() {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number of seconds"))?,
        None => 60,
    };
    let has_nightly = process::succeeds(process::cargo_of("nightly")?.arg("--version"));
    anyhow::ensure!(
        has_nightly,
        "fuzzing needs a nightly toolchain: rustup toolchain install nightly"
    );
    install::cargo_tool(&install::FUZZ)?;
    let targets = targets(&process::root()?.join("fuzz/fuzz_targets"))?;
    for (done, target) in targets.iter().enumerate() {
        println!("fuzz target {} of {}: {target}, {seconds} s", done + 1, targets.len());
        let mut fuzz = process::cargo_of("nightly")?;
        fuzz.args(["fuzz", "run", target, "--", &format!("-max_total_time={seconds}")]);
        process::run(&mut fuzz)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of the targets, sorted: one file each.
fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let files = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    anyhow::ensure!(!names.is_empty(), "{} holds no fuzz target", folder.display());
    names.sort();
    Ok(names)
}
