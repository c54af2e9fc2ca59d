//! `portunus endpoint drain`, `undrain`, `weight` and `reset`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::admin::{self, accepted, encoded, field};
use crate::cli::output;
use crate::cli::status::{endpoint_row, items, table};

/// An endpoint of the running Portunus.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The upstream, as the configuration calls it.
    upstream: String,
    /// The endpoint: its address, or its URL or host and port as they are written.
    endpoint: String,
    #[command(flatten)]
    admin: admin::Admin,
}

/// Options of `endpoint weight`.
#[derive(Debug, clap::Args)]
pub(crate) struct Weight {
    #[command(flatten)]
    place: Place,
    /// The weight, or `file` for that of the configuration.
    #[arg(allow_negative_numbers = true)]
    weight: String,
}

/// Options of `endpoint reset`.
#[derive(Debug, clap::Args)]
pub(crate) struct Reset {
    /// The upstream; all of them unless given.
    upstream: Option<String>,
    /// The endpoint; all of the upstream unless given.
    endpoint: Option<String>,
    #[command(flatten)]
    admin: admin::Admin,
}

impl Place {
    pub(super) fn drain(&self, config: Option<PathBuf>, drain: bool) -> anyhow::Result<()> {
        self.change(config, &json!({"drain": drain}))
    }

    fn change(&self, config: Option<PathBuf>, wish: &Value) -> anyhow::Result<()> {
        let (upstream, endpoint) = (encoded(&self.upstream), encoded(&self.endpoint));
        let path = format!("/api/upstreams/{upstream}/endpoints/{endpoint}");
        show(&accepted(self.admin.ask_with(config, "PATCH", &path, wish)?)?)
    }
}

impl Weight {
    pub(super) fn run(&self, config: Option<PathBuf>) -> anyhow::Result<()> {
        let weight = match self.weight.as_str() {
            "file" => Value::Null,
            number => number.parse::<u32>().map(Value::from).map_err(|_| {
                anyhow::anyhow!("`{number}` is no weight; write a whole number from 0, or `file`")
            })?,
        };
        self.place.change(config, &json!({"weight": weight}))
    }
}

impl Reset {
    pub(super) fn run(&self, config: Option<PathBuf>) -> anyhow::Result<()> {
        let wish = json!({"upstream": self.upstream, "endpoint": self.endpoint});
        show(&accepted(self.admin.ask_with(config, "POST", "/api/changes/reset", &wish)?)?)
    }
}

/// Shows the endpoints as they are now.
fn show(answer: &Value) -> anyhow::Result<()> {
    let mut out = String::new();
    table(items(field(answer, "endpoints")).map(endpoint_row).collect(), &mut out);
    if out.is_empty() {
        out.push_str("endpoints are as the configuration has them\n");
    }
    output::print(&out)?;
    output::note(field(answer, "warning").as_str().unwrap_or_default());
    Ok(())
}
