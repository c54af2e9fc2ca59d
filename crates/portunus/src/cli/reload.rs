//! `portunus reload`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::admin::field;
use super::{FAILED, admin, output};

/// Options of `reload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let (_, answer) = options.admin.ask(config, "POST", "/api/reload")?;
    if field(&answer, "ok") == true {
        output::print(&success(&answer))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::note(field(&answer, "details").as_str().unwrap_or_default());
    output::error(&format!(
        "reload refused, generation {} stays: {}",
        field(&answer, "generation"),
        field(&answer, "error").as_str().unwrap_or_default()
    ));
    Ok(ExitCode::from(FAILED))
}

fn success(answer: &Value) -> String {
    let mut text = format!("reloaded, generation {}\n", field(answer, "generation"));
    for line in field(answer, "change").as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
