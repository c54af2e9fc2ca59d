//! `portunus key create`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::show_made;
use crate::cli::admin::{self, accepted, encoded};

/// Options of `key create`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Whose key it is: a consumer of the configuration, or one that was made at run time.
    #[arg(long, value_name = "NAME")]
    consumer: String,
    /// Make the consumer too, where it is not there.
    #[arg(long)]
    new_consumer: bool,
    /// The plan of a new consumer.
    #[arg(long, value_name = "PLAN", requires = "new_consumer")]
    plan: Option<String>,
    /// A group of a new consumer; may be given more than once.
    #[arg(long = "group", value_name = "GROUP", requires = "new_consumer")]
    groups: Vec<String>,
    /// How long the key is good, such as 90d; without an end unless given.
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    /// What logs call the key, and what revokes it; made up unless given.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: admin::Admin,
}

pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<()> {
    let Options { consumer, admin, .. } = options;
    if options.new_consumer {
        let body = json!({"name": consumer, "plan": options.plan, "groups": options.groups});
        match admin.ask_with(config.clone(), "POST", "/api/consumers", &body)? {
            (CONFLICT, _) => {}
            answer => drop(accepted(answer)?),
        }
    }
    let path = format!("/api/consumers/{}/keys", encoded(consumer));
    let wish = wish([("id", &options.id), ("expires", &options.expires)]);
    let answer = admin.ask_with(config, "POST", &path, &wish)?;
    show_made(&accepted(answer)?, options.json)
}

/// A body of those fields that are given.
pub(super) fn wish<const N: usize>(fields: [(&str, &Option<String>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| {
        Some((name.to_owned(), Value::String(value.as_ref()?.clone())))
    });
    Value::Object(given.collect::<Map<_, _>>())
}

const CONFLICT: u16 = 409;
