//! `portunus endpoint save`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use portunus_control::{RunningEndpoint, SavePlan};
use serde_json::{Value, json};

use crate::cli::admin::{self, accepted, field};
use crate::cli::status::{items, word};
use crate::cli::{FAILED, origin, output};
use crate::wire;

/// Options of `endpoint save`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    admin: admin::Admin,
}

/// Ends with 1 when there is a weight that is not in a file now.
pub(super) fn run(config: Option<PathBuf>, options: &Options) -> anyhow::Result<ExitCode> {
    let (status, answer) = options.admin.ask(config.clone(), "POST", "/api/changes/save")?;
    if field(&answer, "code") == "save.not_written" {
        return write_here(config, options, &answer);
    }
    show(&accepted((status, answer))?)
}

/// The running Portunus may not write its files, as it should be: whoever runs this may. What runs tells the weights.
/// Where they come, and what else stands there, is read here: anybody may answer at that address.
fn write_here(
    config: Option<PathBuf>,
    options: &Options,
    refusal: &Value,
) -> anyhow::Result<ExitCode> {
    let main = origin::file(config.clone())?;
    let upstreams = accepted(options.admin.ask(config.clone(), "GET", "/api/upstreams")?)?;
    let plan = SavePlan::of_files(&main, &wire::env(), &running(&upstreams))?;
    for file in items(field(refusal, "files")) {
        let path = word(field(file, "path"));
        if !plan.reads(Path::new(path)) {
            let main = main.display();
            bail!(
                "the running Portunus reads {path:?}, which is no file of {main}: name its own with --config"
            );
        }
    }
    let result = plan.write();
    let refused = match &result {
        Err(error) if error.written().is_empty() => None,
        Ok(()) if plan.weights.is_empty() => None,
        _ => reload(config, options)?,
    };
    result?;
    show(&json!({"saved": plan.weights, "not_saved": plan.left, "refused": refused}))
}

/// Has the files loaded; answers why they are not.
fn reload(config: Option<PathBuf>, options: &Options) -> anyhow::Result<Option<String>> {
    let (_, answer) = options.admin.ask(config, "POST", "/api/reload")?;
    let is_refused = field(&answer, "ok") != true;
    Ok(is_refused.then(|| word(field(&answer, "error")).to_owned()))
}

/// The endpoints in an answer.
fn running(upstreams: &Value) -> Vec<RunningEndpoint> {
    let of_one = |upstream: &Value| {
        let name = word(field(upstream, "name")).to_owned();
        let endpoints = items(field(upstream, "endpoints"));
        endpoints.filter_map(|endpoint| running_one(&name, endpoint)).collect::<Vec<_>>()
    };
    items(upstreams).flat_map(of_one).collect()
}

fn running_one(upstream: &str, endpoint: &Value) -> Option<RunningEndpoint> {
    let weight = |key: &str| u32::try_from(field(endpoint, key).as_u64()?).ok();
    Some(RunningEndpoint {
        upstream: upstream.to_owned(),
        name: word(field(endpoint, "name")).to_owned(),
        weight: weight("weight")?,
        configured_weight: weight("configured_weight")?,
        drain: field(endpoint, "drain") == true,
    })
}

/// What is saved, and what is not.
fn show(answer: &Value) -> anyhow::Result<ExitCode> {
    let mut out = String::new();
    for one in items(field(answer, "saved")) {
        let weight = field(one, "weight");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}weight {weight} for {}", place(one), endpoint(one));
    }
    output::print(&out)?;
    let left: Vec<&Value> = items(field(answer, "not_saved")).collect();
    for one in &left {
        let (what, why) = (word(field(one, "what")), word(field(one, "why")));
        output::note(&format!("{}not saved: the {what} of {}: {why}", place(one), endpoint(one)));
    }
    if let Some(why) = field(answer, "refused").as_str() {
        bail!("the files are written, but not served: {why}");
    }
    let is_whole = left.iter().all(|one| field(one, "what") == "drain");
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Where it stands, as the start of a line; nothing where it stands in no file.
fn place(one: &Value) -> String {
    match field(one, "file").as_str() {
        Some(file) => format!("{file}:{}: ", field(one, "line")),
        None => String::new(),
    }
}

fn endpoint(one: &Value) -> String {
    format!("{} of {}", word(field(one, "endpoint")), word(field(one, "upstream")))
}
