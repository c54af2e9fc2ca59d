//! `portunus check`.

use std::path::PathBuf;
use std::process::ExitCode;

use portunus_control::Prepared;
use portunus_spec::Diagnostic;
use serde_json::{Value, json};

use super::{FAILED, origin, output};

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write the diagnostics as JSON to standard output.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let path = origin::file(config)?;
    let prepared = origin::prepare(&path);
    let fine = prepared.compiled.is_some();
    if options.json {
        output::print(&format!("{:#}\n", report(&prepared)))?;
    } else {
        output::note(&prepared.render(output::colour()));
        let count = prepared.loaded.diagnostics.len();
        output::print(&match (fine, count) {
            (true, 0) => format!("{}: fine\n", path.display()),
            (true, _) => format!("{}: fine, with warnings: {count}\n", path.display()),
            (false, _) => format!("{}: errors and warnings: {count}\n", path.display()),
        })?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn report(prepared: &Prepared) -> Value {
    let diagnostics = &prepared.loaded.diagnostics;
    let all: Vec<Value> = diagnostics.iter().map(|one| diagnostic(one, prepared)).collect();
    json!({ "ok": prepared.compiled.is_some(), "diagnostics": all })
}

fn diagnostic(diagnostic: &Diagnostic, prepared: &Prepared) -> Value {
    let at = diagnostic.position(&prepared.loaded.sources);
    json!({
        "severity": diagnostic.severity.word(),
        "message": diagnostic.message,
        "path": diagnostic.path,
        "file": at.map(|at| at.file),
        "line": at.map(|at| at.line),
        "column": at.map(|at| at.column),
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}
