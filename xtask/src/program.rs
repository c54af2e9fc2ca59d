//! Building the `portunus` binary in the development profile, and finding it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use anyhow::Context as _;
use serde_json::Value;

use crate::{install, process};

/// The environment variable that tells whole-program tests where the binary is.
pub(crate) const VARIABLE: &str = "PORTUNUS_BIN";

/// Builds the program and answers where it lies.
///
/// `--workspace` makes the features of the dependencies the same as in a test build; with
/// `--package portunus` half of them would be built twice.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    install::debian_tools(install::BUILD_TOOLS);
    let mut cargo = process::cargo()?;
    cargo.args(["build", "--workspace", "--bin", "portunus"]);
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let messages = process::output(&mut cargo)?;
    messages.lines().find_map(executable).context("cargo built no binary `portunus`")
}

/// The path in cargo's message that the binary is ready, if the line is one.
fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    (name == "portunus").then(|| PathBuf::from(path))
}

/// Nextest's setup script: builds the program unless somebody chose one, and tells the tests.
pub(crate) fn run_as_setup_script() -> anyhow::Result<ExitCode> {
    let program = match std::env::var_os(VARIABLE) {
        Some(chosen) => PathBuf::from(chosen),
        None => build()?,
    };
    match std::env::var_os("NEXTEST_ENV") {
        None => println!("{}", program.display()),
        Some(file) => {
            let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
            writeln!(file, "{VARIABLE}={}", program.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
