//! What can be broken.

mod endpoints;
mod gateways;
mod hostile;
mod overload;
mod redis;
mod reloads;
mod resources;
mod soak;
mod upgrades;

use anyhow::{Context as _, Result};

use super::proxy::Subject;
use super::row::Row;
use super::stage::Stage;
use crate::process;

/// One kind of fault.
pub(super) struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    /// Whether peers go through it too.
    compares: bool,
    run: fn(&Stage<'_>, &Subject<'_>) -> Result<Vec<Row>>,
}

/// Runs it for Portunus, then side by side where there are peers. What cannot be run has a row that
/// says why.
pub(super) fn run(stage: &Stage<'_>, scenario: &Scenario) -> Vec<Row> {
    eprintln!("\n{}: {}", scenario.name, scenario.title);
    let mut rows = match stage.portunus() {
        Ok(subject) => rows_of(stage, scenario, &subject),
        Err(error) => vec![failed(scenario, "portunus", &error)],
    };
    if scenario.compares && !stage.options.peers.is_empty() {
        let (subjects, absent) = stage.compared();
        let beside = subjects.iter().flat_map(|subject| rows_of(stage, scenario, subject));
        let absent = absent.iter().map(|(name, error)| failed(scenario, name, error));
        rows.extend(beside.chain(absent).map(Row::compared));
    }
    rows
}

fn rows_of(stage: &Stage<'_>, scenario: &Scenario, subject: &Subject<'_>) -> Vec<Row> {
    let name = subject.setup.name;
    eprintln!("  {name}, {} requests a second", subject.rate);
    (scenario.run)(stage, subject).unwrap_or_else(|error| vec![failed(scenario, name, &error)])
}

fn failed(scenario: &Scenario, proxy: &str, error: &anyhow::Error) -> Row {
    eprintln!("  {proxy}: {error:#}");
    let root =
        process::root().map_or_else(|_| String::new(), |root| format!("{}/", root.display()));
    // The page names no folder of this machine.
    Row::not_shown(scenario.title, proxy, &format!("{error:#}").replace(&root, ""))
}

/// The scenario of that name.
pub(super) fn named(name: &str) -> Result<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name).with_context(|| {
        let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!("there is no scenario {name}; there are {}", names.join(", "))
    })
}

const fn alone(
    name: &'static str,
    title: &'static str,
    run: fn(&Stage<'_>, &Subject<'_>) -> Result<Vec<Row>>,
) -> Scenario {
    Scenario { name, title, compares: false, run }
}

const fn compared(
    name: &'static str,
    title: &'static str,
    run: fn(&Stage<'_>, &Subject<'_>) -> Result<Vec<Row>>,
) -> Scenario {
    Scenario { name, title, compares: true, run }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    compared("killed", "one of three upstreams killed", endpoints::killed),
    compared(
        "restarted",
        "one of three upstreams restarted, again and again",
        endpoints::restarted,
    ),
    compared("stalled", "one of three upstreams stalled", endpoints::stalled),
    compared("garbage", "one of three upstreams answers garbage", endpoints::garbage),
    compared("slow", "one of three upstreams slow by 500 ms", endpoints::slow),
    compared("reloads", "100 reloads in 60 s, 10,000 routes, WebSockets open", reloads::reloads),
    alone("upgrades", "20 binary upgrades in 60 s", upgrades::upgrades),
    alone("gateways", "one of two gateways killed behind an edge", gateways::killed),
    alone("redis", "Redis gone, back, slow", redis::away),
    alone("slowloris", "5,000 slowloris connections", hostile::slowloris),
    alone("slow_readers", "5,000 slow readers", hostile::slow_readers),
    alone("rapid_reset", "HTTP/2 rapid reset", hostile::rapid_reset),
    alone("continuation", "CONTINUATION flood", hostile::continuation),
    alone("connects", "10,000 connects a second", hostile::connects),
    compared("overload", "10 x overload, open loop", overload::overload),
    alone("disk_full", "the disk of the access log is full", resources::disk_full),
    alone("log_gone", "the reader of the access log is gone", resources::log_gone),
    alone("fd_limit", "no file descriptor left", resources::fd_limit),
    alone("clock", "the clock steps", resources::clock_steps),
    alone("soak", "soak with reloads and faults", soak::soak),
];
