//! `portunus reference`: the JSON schema, and the reference pages in one stream.
//!
//! Both are made from what the program is made of, so they cannot tell anything else. A line
//! `=== name.md` starts a page.

mod command_line;
mod pages;

use std::process::ExitCode;

use portunus_config::ConfigSpec;
use portunus_spec::shape::json_schema_with;
use portunus_spec::{Shape, Spec as _};

use super::output;
use crate::wire;

/// Options of `reference`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// The JSON schema of a configuration.
    Schema,
    /// All reference pages.
    Markdown,
}

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    output::print(&match options.what {
        What::Schema => schema(),
        What::Markdown => bundle(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn schema() -> String {
    let owned = |name: &str, shape: Shape| (name.to_owned(), shape);
    let filters = wire::filters().iter().map(|one| owned(one.name, (one.shape)())).collect();
    let providers = wire::providers().iter().map(|one| owned(one.name(), one.shape())).collect();
    json_schema_with(&ConfigSpec::shape(), &[("filter", filters), ("provider", providers)])
}

fn bundle() -> String {
    let pages = [
        ("balancing.md", pages::balancing()),
        ("cli.md", command_line::page()),
        ("configuration.md", pages::configuration()),
        ("discovery.md", pages::discovery()),
        ("filters.md", pages::filters()),
        ("metrics.md", portunus_telemetry::names::markdown()),
        ("reasons.md", pages::reasons()),
        ("variables.md", pages::variables()),
    ];
    pages.iter().map(|(name, text)| format!("=== {name}\n{}\n", text.trim_end())).collect()
}

#[cfg(test)]
mod tests;
