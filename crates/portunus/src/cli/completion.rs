//! `portunus completion`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::{Cli, output};

/// Options of `completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), "portunus", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
