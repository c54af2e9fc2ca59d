//! `portunus endpoint`: what operators change about endpoints while Portunus runs.

mod list;
mod save;
mod set;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

/// What to do about endpoints.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the endpoints that there are, and how they are.
    List(list::Options),
    /// Give an endpoint no new requests; those under way end.
    Drain(set::Place),
    /// Give an endpoint requests again.
    Undrain(set::Place),
    /// Give an endpoint another weight; 0 gives it no new requests.
    Weight(set::Weight),
    /// Take back what was changed: all of it, or that of an upstream or of an endpoint.
    Reset(set::Reset),
    /// Write changed weights into the files of the configuration.
    Save(save::Options),
}

pub(super) fn run(config: Option<PathBuf>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(options) => list::run(config, options)?,
        Command::Drain(place) => place.drain(config, true)?,
        Command::Undrain(place) => place.drain(config, false)?,
        Command::Weight(options) => options.run(config)?,
        Command::Reset(options) => options.run(config)?,
        Command::Save(options) => return save::run(config, options),
    }
    Ok(ExitCode::SUCCESS)
}
