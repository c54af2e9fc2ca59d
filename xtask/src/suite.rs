//! `cargo xtask test`: the README's second command. Nextest's summary is the last thing printed.

use std::process::ExitCode;

use crate::{install, process, program};

/// Installs what is missing, builds the program, runs all tests. `args` go to nextest; without any, the schedules of
/// lock-free structures are tried out first.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    install::cargo_tool(&install::NEXTEST)?;
    install::debian_tools(install::TEST_PEERS);
    if args.is_empty() {
        let tried = process::status(process::cargo()?.args(SCHEDULES))?;
        if !tried.success() {
            return Ok(process::exit_code(tried));
        }
    }
    let program = program::build()?;
    // The program lies in a folder of the profile, in cargo's target folder.
    if let Some(target) = program.ancestors().nth(2) {
        install::python_packages(target);
        install::node_packages(target);
    }
    let mut nextest = process::cargo()?;
    nextest.args(["nextest", "run", "--workspace"]);
    if std::env::var_os("CI").is_some() && std::env::var_os("NEXTEST_PROFILE").is_none() {
        nextest.args(["--profile", "ci"]);
    }
    nextest.args(args).env(program::VARIABLE, program);
    process::status(&mut nextest).map(process::exit_code)
}

/// Tests whose atomics are those of a scheduler.
const SCHEDULES: [&str; 8] = [
    "nextest",
    "run",
    "-p",
    "portunus-resilience",
    "--features",
    "shuttle",
    "-E",
    "test(/^schedules::/)",
];
