//! `portunus status`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::admin::field;
use super::{FAILED, admin, cert, output};

/// Options of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let ask =
        |path: &str| Ok::<_, anyhow::Error>(options.admin.ask(config.clone(), "GET", path)?.1);
    let status = ask("/api/status")?;
    let listeners = ask("/api/listeners")?;
    let upstreams = ask("/api/upstreams")?;
    let certificates = ask("/api/certificates")?;
    output::print(&if options.json {
        let all = json!({
            "status": status,
            "listeners": listeners,
            "certificates": certificates,
            "upstreams": upstreams,
        });
        format!("{all:#}\n")
    } else {
        text(&status, &listeners, &certificates, &upstreams)
    })?;
    let is_ready = field(&status, "stage") == "ready";
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn text(status: &Value, listeners: &Value, certificates: &Value, upstreams: &Value) -> String {
    let uptime = Duration::from_secs(field(status, "uptime_s").as_u64().unwrap_or_default());
    let mut out = format!(
        "portunus {}, {}, generation {}, up {}\n\
         workers {}, connections {}, requests in flight {}\n",
        word(field(status, "version")),
        word(field(status, "stage")),
        field(status, "generation"),
        uptime_text(uptime),
        field(status, "workers"),
        field(status, "connections"),
        field(status, "in_flight"),
    );
    sandbox_line(field(status, "sandbox"), &mut out);
    reload_line(field(status, "last_reload"), &mut out);
    gone_back_line(field(status, "gone_back"), &mut out);
    changes_line(field(status, "changed_endpoints"), &mut out);
    key_store_line(field(status, "keys"), &mut out);
    out.push_str("\nlisteners\n");
    let rows = items(listeners).map(|one| {
        let address = word(field(one, "address")).to_owned();
        [
            word(field(one, "name")).to_owned(),
            address,
            format!("connections {}", field(one, "connections")),
        ]
    });
    table(rows.collect(), &mut out);
    if items(certificates).next().is_some() {
        let _ = write!(out, "\ncertificates\n{}", cert::certificates(certificates));
    }
    for upstream in items(upstreams) {
        let _ = writeln!(out, "\nupstream {}", word(field(upstream, "name")));
        if field(upstream, "resolved") == false {
            out.push_str("  not resolved yet\n");
        }
        table(items(field(upstream, "endpoints")).map(endpoint_row).collect(), &mut out);
    }
    out
}

pub(super) fn endpoint_row(one: &Value) -> [String; 6] {
    let mut state = word(field(one, "state")).to_owned();
    let (weight, configured) = (field(one, "weight"), field(one, "configured_weight"));
    if state == "up" && *weight == 0 {
        state.push_str(", no new requests");
    }
    if field(one, "backup") == true {
        state.push_str(", backup");
    }
    let mut weighs = format!("weight {weight}");
    if weight != configured {
        let _ = write!(weighs, " instead of {configured}");
    }
    [
        word(field(one, "address")).to_owned(),
        state,
        weighs,
        format!("in flight {}", field(one, "in_flight")),
        format!("{} ms", field(one, "latency_ms")),
        format!(
            "requests {}, failures {}",
            field(one, "requests_total"),
            field(one, "failures_total")
        ),
    ]
}

/// What the process has given up.
fn sandbox_line(sandbox: &Value, out: &mut String) {
    let told = sandbox.as_str().unwrap_or("off");
    let _ = writeln!(out, "sandbox {told}");
}

/// That a step back was made, which the next reload takes back.
fn gone_back_line(back: &Value, out: &mut String) {
    if let Some(at) = field(back, "at").as_str() {
        let _ = writeln!(
            out,
            "gone back to the configuration of {at}; the files say something else: the next reload takes them"
        );
    }
}

/// That endpoints are not as the configuration has them.
fn changes_line(count: &Value, out: &mut String) {
    if let Some(count) = count.as_u64().filter(|count| *count > 0) {
        let _ = writeln!(
            out,
            "endpoints that an operator has changed: {count} (portunus endpoint list --changed)"
        );
    }
}

/// The store of keys, where it does not answer.
fn key_store_line(keys: &Value, out: &mut String) {
    if field(keys, "state") == "down" {
        let (store, since) = (word(field(keys, "store")), word(field(keys, "since")));
        let error = word(field(keys, "error"));
        let _ = writeln!(out, "the store of keys ({store}) is down since {since}: {error}");
    }
}

fn reload_line(last: &Value, out: &mut String) {
    let at = word(field(last, "at"));
    let _ = match (field(last, "ok").as_bool(), field(last, "error").as_str()) {
        (Some(true), _) => writeln!(out, "last reload {at}: fine"),
        (Some(false), Some(error)) => {
            writeln!(out, "last reload {at}: refused: {}", error.lines().next().unwrap_or_default())
        }
        _ => Ok(()),
    };
}

/// Rows with columns as wide as their widest cell.
pub(super) fn table<const COLUMNS: usize>(rows: Vec<[String; COLUMNS]>, out: &mut String) {
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| rows.iter().filter_map(move |row| row.get(column)).map(|c| c.chars().count()))
        .map(|lengths| lengths.max().unwrap_or_default())
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let _ = writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn uptime_text(uptime: Duration) -> String {
    let secs = uptime.as_secs();
    match secs {
        0..60 => format!("{secs}s"),
        60..3600 => format!("{}m {}s", secs / 60, secs % 60),
        3600..86_400 => format!("{}h {}m", secs / 3600, secs / 60 % 60),
        _ => format!("{}d {}h", secs / 86_400, secs / 3600 % 24),
    }
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
