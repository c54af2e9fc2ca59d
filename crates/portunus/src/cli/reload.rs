//! `portunus reload`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::admin::{accepted, field};
use super::status::{items, table, word};
use super::{FAILED, admin, output};

/// Options of `reload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Go back to the configuration before, and leave the files as they are.
    #[arg(long)]
    back: bool,
    /// Show the configurations that were accepted, the newest first, and load nothing.
    #[arg(long, conflicts_with = "back")]
    history: bool,
    /// Write the history as JSON.
    #[arg(long, requires = "history")]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    if options.history {
        return history(config, options);
    }
    let path = if options.back { "/api/reload/back" } else { "/api/reload" };
    let (status, answer) = options.admin.ask(config, "POST", path)?;
    if field(&answer, "ok") == true {
        output::print(&success(&answer))?;
        if options.back {
            output::note("the files say something else now: the next reload or start takes them");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if field(&answer, "ok").is_null() {
        // It was not even tried.
        accepted((status, answer.clone()))?;
    }
    let (details, error) = (field(&answer, "details"), field(&answer, "error"));
    if details != error {
        output::note(details.as_str().unwrap_or_default());
    }
    output::error(&format!(
        "reload refused, generation {} stays: {}",
        field(&answer, "generation"),
        error.as_str().unwrap_or_default()
    ));
    Ok(ExitCode::from(FAILED))
}

fn success(answer: &Value) -> String {
    let mut text = format!("reloaded, generation {}\n", field(answer, "generation"));
    for line in items(field(answer, "change")) {
        text.push_str(&format!("  {}\n", word(line)));
    }
    text
}

fn history(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let answer = accepted(options.admin.ask(config, "GET", "/api/history")?)?;
    output::print(&if options.json { format!("{answer:#}\n") } else { text(&answer) })?;
    Ok(ExitCode::SUCCESS)
}

fn text(history: &Value) -> String {
    let row = |one: &Value| {
        let digest: String = word(field(one, "digest")).chars().take(DIGEST_SHOWN).collect();
        let lines: Vec<&str> = items(field(one, "change")).map(word).collect();
        let generation = field(one, "generation").as_u64();
        [
            generation.map_or_else(|| "-".to_owned(), |generation| generation.to_string()),
            word(field(one, "at")).to_owned(),
            digest,
            mark(one).to_owned(),
            lines.join("; "),
        ]
    };
    let mut out = String::new();
    table(items(history).map(row).collect(), &mut out);
    if out.is_empty() { "no configuration of a file was accepted\n".to_owned() } else { out }
}

/// What one of them is to the one that is served.
fn mark(one: &Value) -> &'static str {
    let is = |key: &str| field(one, key) == true;
    match (is("current"), is("back"), is("undone")) {
        (true, _, _) => "served",
        (_, true, _) => "--back",
        (_, _, true) => "undone",
        _ => "",
    }
}

/// Enough of a digest to tell a few apart.
const DIGEST_SHOWN: usize = 12;

#[cfg(test)]
mod tests;
