//! `portunus endpoint list`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::cli::admin::{self, accepted, encoded, field};
use crate::cli::output;
use crate::cli::status::{endpoint_row, items, table, word};

/// Options of `endpoint list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The upstream whose endpoints are shown; all of them unless given.
    upstream: Option<String>,
    /// Those alone that an operator has changed.
    #[arg(long)]
    changed: bool,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let path = match &options.upstream {
        Some(upstream) => format!("/api/upstreams/{}", encoded(upstream)),
        None => "/api/upstreams".to_owned(),
    };
    let answer = accepted(options.admin.ask(config.clone(), "GET", &path)?)?;
    let mut upstreams = if answer.is_array() { answer } else { Value::Array(vec![answer]) };
    if !options.changed {
        return show(&upstreams, options.json, "");
    }
    keep_changed(&mut upstreams);
    let changes = accepted(options.admin.ask(config, "GET", "/api/changes")?)?;
    let only = options.upstream.as_deref();
    show(&upstreams, options.json, &absent(field(&changes, "changes"), only))
}

fn show(upstreams: &Value, json: bool, absent: &str) -> anyhow::Result<()> {
    output::print(&match json {
        true => format!("{upstreams:#}\n"),
        false => text(upstreams, absent),
    })
}

/// The changes of endpoints that are not there now.
fn absent(changes: &Value, only: Option<&str>) -> String {
    let mut out = String::new();
    for change in items(changes).filter(|change| field(change, "there") == false) {
        let (upstream, endpoint) =
            (word(field(change, "upstream")), word(field(change, "endpoint")));
        if only.is_some_and(|only| only != upstream) {
            continue;
        }
        let _ = write!(out, "{upstream}  {endpoint}  not there now");
        if field(change, "drain") == true {
            out.push_str(", drains");
        }
        if let Some(weight) = field(change, "weight").as_u64() {
            let _ = write!(out, ", weight {weight}");
        }
        out.push('\n');
    }
    out
}

/// Leaves the endpoints that are not as the configuration has them, and their upstreams.
fn keep_changed(upstreams: &mut Value) {
    let Some(upstreams) = upstreams.as_array_mut() else { return };
    for upstream in upstreams.iter_mut() {
        if let Some(endpoints) = upstream.get_mut("endpoints").and_then(Value::as_array_mut) {
            endpoints.retain(is_changed);
        }
    }
    upstreams.retain(|upstream| items(field(upstream, "endpoints")).next().is_some());
}

fn is_changed(endpoint: &Value) -> bool {
    field(endpoint, "drain") == true
        || field(endpoint, "weight") != field(endpoint, "configured_weight")
}

fn text(upstreams: &Value, absent: &str) -> String {
    let mut out = String::new();
    for upstream in items(upstreams) {
        let _ = writeln!(out, "{}", word(field(upstream, "name")));
        table(items(field(upstream, "endpoints")).map(endpoint_row).collect(), &mut out);
    }
    out.push_str(absent);
    if out.is_empty() { "no endpoints\n".to_owned() } else { out }
}
