//! `portunus run`.

mod quick;

use std::path::PathBuf;
use std::process::ExitCode;

use portunus_control::{ConfigSource, Console, End, Refusal, StartError};

use super::{FAILED, FORCED, origin, output};
use crate::wire;

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Load the configuration again whenever its files change.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    quick: quick::QuickOptions,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let source = match options.quick.text() {
        Some(text) => ConfigSource::Text { name: "command line".to_owned(), text },
        None => ConfigSource::File(origin::file(config)?),
    };
    let control = portunus_control::Options {
        source,
        env: wire::env(),
        registries: wire::registries(),
        memory: crate::memory::held,
        allocator_threads: crate::memory::threads,
        version: wire::VERSION,
        console: Console::Stderr,
    };
    Ok(match portunus_control::run(control, options.watch) {
        Ok(End::Graceful) => ExitCode::SUCCESS,
        Ok(End::Forced) => ExitCode::from(FORCED),
        Err(error) => {
            report(&error);
            ExitCode::from(FAILED)
        }
    })
}

/// Errors of the system get a line of ours each; diagnostics have their own form.
fn report(error: &StartError) {
    match &error.0 {
        Refusal::System(lines) => lines.iter().for_each(|line| output::error(line)),
        refusal => output::note(&refusal.details()),
    }
}
