//! `portunus test`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{FAILED, origin, output};

/// Options of `test`: none.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(super) fn run(config: Option<PathBuf>, _options: &Options) -> anyhow::Result<ExitCode> {
    let Some(prepared) = origin::compiled(config)? else { return Ok(ExitCode::from(FAILED)) };
    let outcomes = prepared.tests().context("a compiled configuration has tests")?;
    let mut text = String::new();
    for outcome in &outcomes {
        text.push_str(&format!("{}\n", outcome.line(&prepared.loaded.sources)));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    text.push_str(&format!("{} passed, {failed} failed\n", outcomes.len() - failed));
    output::print(&text)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
