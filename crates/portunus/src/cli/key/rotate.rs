//! `portunus key rotate`.

use std::path::PathBuf;

use super::create::wish;
use super::show_made;
use crate::cli::admin::{self, accepted, encoded};

/// Options of `key rotate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The key that another one takes the place of.
    id: String,
    /// How long both are good.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: String,
    /// How long the new key is good, such as 90d; without an end unless given.
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    /// What logs call the new key; made up unless given.
    #[arg(long, value_name = "ID")]
    new_id: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let path = format!("/api/keys/{}/rotate", encoded(&options.id));
    let overlap = Some(options.overlap.clone());
    let wish =
        wish([("overlap", &overlap), ("expires", &options.expires), ("id", &options.new_id)]);
    let answer = options.admin.ask_with(config, "POST", &path, &wish)?;
    show_made(&accepted(answer)?, options.json)
}
