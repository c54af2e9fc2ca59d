//! `cargo xtask deny`: bans, licences and sources always, advisories where their database can be had.

use std::process::ExitCode;

use crate::{install, process};

/// Checks the dependencies by `deny.toml`.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    install::cargo_tool(&install::DENY)?;
    process::run(process::cargo()?.args(["deny", "check", "bans", "licenses", "sources"]))?;
    if !process::succeeds(process::cargo()?.args(["deny", "fetch", "db"])) {
        println!("advisories: not checked, their database cannot be fetched from here");
        return Ok(ExitCode::SUCCESS);
    }
    process::run(process::cargo()?.args(["deny", "check", "--disable-fetch", "advisories"]))?;
    Ok(ExitCode::SUCCESS)
}
