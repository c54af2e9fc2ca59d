//! `portunus version`.

use std::process::ExitCode;

use super::output;
use crate::wire;

/// Options of `version`: none.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(super) fn run(_options: &Options) -> anyhow::Result<ExitCode> {
    output::print(&format!("portunus {}\n", wire::VERSION))?;
    Ok(ExitCode::SUCCESS)
}
