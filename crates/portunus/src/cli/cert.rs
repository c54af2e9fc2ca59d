//! `portunus cert`.

mod issue;
mod list;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

pub(super) use list::text as certificates;

/// What to do about certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a certificate of the local authority with its key, for trying things out.
    Issue(issue::Options),
    /// Show the certificates that are served, and until when they are good.
    List(list::Options),
    /// Write the certificate of the local authority, and tell how to make programs believe it.
    Trust(trust::Options),
}

pub(super) fn run(config: Option<PathBuf>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Issue(options) => issue::run(options),
        Command::List(options) => list::run(config, options),
        Command::Trust(options) => trust::run(config, options),
    }
}
