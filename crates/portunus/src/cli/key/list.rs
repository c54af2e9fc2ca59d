//! `portunus key list`.

use std::path::PathBuf;

use serde_json::Value;

use crate::cli::admin::{self, accepted, field};
use crate::cli::{output, status};

/// Options of `key list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Those of one consumer alone.
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let mut keys = accepted(options.admin.ask(config, "GET", "/api/keys")?)?;
    if let (Some(consumer), Some(keys)) = (&options.consumer, keys.as_array_mut()) {
        keys.retain(|key| field(key, "consumer") == consumer.as_str());
    }
    output::print(&if options.json { format!("{keys:#}\n") } else { text(&keys) })
}

fn text(keys: &Value) -> String {
    let keys = keys.as_array().map_or(&[][..], Vec::as_slice);
    if keys.is_empty() {
        return "no keys\n".to_owned();
    }
    let word = |key: &Value, name: &str| field(key, name).as_str().map(str::to_owned);
    let row = |key: &Value| {
        let or_dash = |name| word(key, name).unwrap_or_else(|| "-".to_owned());
        let end =
            word(key, "expires").map_or_else(|| "no end".to_owned(), |at| format!("until {at}"));
        [or_dash("id"), or_dash("consumer"), or_dash("state"), end, or_dash("source")]
    };
    let mut out = String::new();
    status::table(keys.iter().map(row).collect(), &mut out);
    out
}
