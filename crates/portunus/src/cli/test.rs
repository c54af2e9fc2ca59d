//! `portunus test`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use portunus_compile::test_diagnostics;

use super::{FAILED, origin, output};

/// Options of `test`: none.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

pub(super) fn run(config: Option<PathBuf>, _options: &Options) -> anyhow::Result<ExitCode> {
    let Some(prepared) = origin::compiled(config)? else { return Ok(ExitCode::from(FAILED)) };
    let outcomes = prepared.tests().context("a compiled configuration has tests")?;
    let mut text = String::new();
    for outcome in &outcomes {
        let word = if outcome.passed() { "ok" } else { "FAILED" };
        text.push_str(&format!("{word:6} {}\n", outcome.name.value));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    text.push_str(&format!("{} ok, {failed} failed\n", outcomes.len() - failed));
    output::print(&text)?;
    let failures = test_diagnostics(&outcomes);
    output::note(&failures.render(&prepared.loaded.sources, output::colour()));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
