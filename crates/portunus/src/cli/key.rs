//! `portunus key`.

mod create;
mod hash;
mod jwt;
mod list;
mod password;
mod revoke;
mod rotate;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Subcommand;
use serde_json::Value;

use super::admin::field;
use super::output;

/// What to do about keys of consumers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key for a consumer; it is shown once.
    Create(create::Options),
    /// Show the keys that there are; never the keys themselves.
    List(list::Options),
    /// Revoke a key at once.
    Revoke(revoke::Options),
    /// Make another key in place of one, and let both be good for a while.
    Rotate(rotate::Options),
    /// Read a key from standard input and write its hash, for `keys` in the configuration.
    Hash,
    /// Read a password from standard input and write its hash, for `passwords` in the configuration.
    Password,
    /// Sign a token (JWT), for trying things out and for tests.
    Jwt(jwt::Options),
}

pub(super) fn run(config: Option<PathBuf>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create(options) => create::run(config, options)?,
        Command::List(options) => list::run(config, options)?,
        Command::Revoke(options) => revoke::run(config, options)?,
        Command::Rotate(options) => rotate::run(config, options)?,
        Command::Hash => hash::run()?,
        Command::Password => password::run()?,
        Command::Jwt(options) => jwt::run(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a key that was made: itself to standard output, what there is to say of it to standard error.
fn show_made(answer: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print(&format!("{answer:#}\n"));
    }
    let word = |key: &str| field(answer, key).as_str().unwrap_or_default().to_owned();
    output::print(&format!("{}\n", word("key")))?;
    let until = match field(answer, "expires").as_str() {
        Some(end) => format!(", good until {end}"),
        None => String::new(),
    };
    let (id, consumer) = (word("id"), word("consumer"));
    output::note(&format!("key `{id}` of `{consumer}`{until}; it is not shown again"));
    let old = field(answer, "replaces");
    if let (Some(id), Some(end)) = (field(old, "id").as_str(), field(old, "expires").as_str()) {
        output::note(&format!("key `{id}` is good until {end}"));
    }
    Ok(())
}

/// The first line of standard input, without its end.
fn line_of_input(what: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        output::note(&format!("type the {what}, then Enter; it is shown as you type"));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).with_context(|| format!("cannot read the {what}"))?;
    let line = line.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!line.is_empty(), "no {what} on standard input");
    Ok(line)
}
