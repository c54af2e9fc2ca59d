//! `portunus cert list`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::admin::field;
use crate::cli::status::{items, table, word};
use crate::cli::{FAILED, admin, origin, output};

/// Options of `cert list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// Ask no running Portunus: show the certificates in the files of the configuration.
    #[arg(long, conflicts_with = "admin")]
    offline: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let certificates = match options.offline {
        true => {
            let Some(prepared) = origin::compiled(config)? else {
                return Ok(ExitCode::from(FAILED));
            };
            let compiled = prepared.compiled.as_ref();
            serde_json::to_value(compiled.map(portunus_control::certificates_in_files))?
        }
        false => options.admin.ask(config, "GET", "/api/certificates")?.1,
    };
    output::print(&match options.json {
        true => format!("{certificates:#}\n"),
        false => text(&certificates),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// One line for each certificate; without any, that.
pub(crate) fn text(certificates: &Value) -> String {
    let rows: Vec<_> = items(certificates).map(row).collect();
    if rows.is_empty() {
        return "  none\n".to_owned();
    }
    let mut out = String::new();
    table(rows, &mut out);
    out
}

fn row(one: &Value) -> [String; 5] {
    let names = items(field(one, "names")).map(word).collect::<Vec<_>>().join(", ");
    let state = field(one, "not_after").as_str().map_or_else(String::new, |until| {
        let word = if field(one, "expired") == true { "EXPIRED" } else { "until" };
        format!("{word} {until}")
    });
    let issuer = field(one, "issuer").as_str().map(|issuer| format!("by {issuer}"));
    [
        word(field(one, "listener")).to_owned(),
        names,
        state,
        issuer.unwrap_or_default(),
        word(field(one, "source")).to_owned(),
    ]
}

#[cfg(test)]
mod tests;
