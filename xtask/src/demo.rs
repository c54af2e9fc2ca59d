//! `cargo xtask demo`: the README's first command. The demonstration itself is in the program.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::program;

/// Builds the program and becomes `portunus demo <args>`, so that signals reach it directly.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    println!("building portunus (a first build takes some minutes)");
    let program = program::build()?;
    let error = Command::new(&program).arg("demo").args(args).exec();
    Err(error).with_context(|| format!("{} cannot be started", program.display()))
}
