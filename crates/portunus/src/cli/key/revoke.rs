//! `portunus key revoke`.

use std::path::PathBuf;

use crate::cli::admin::{self, accepted, encoded};
use crate::cli::output;

/// Options of `key revoke`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The key, as `portunus key list` calls it.
    id: String,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let path = format!("/api/keys/{}", encoded(&options.id));
    accepted(options.admin.ask(config, "DELETE", &path)?)?;
    output::print(&format!("revoked {}\n", options.id))
}
