//! Clients that mean harm, beside those that do not.

use anyhow::Result;

use crate::bench::meter;
use crate::chaos::load::Demand;
use crate::chaos::program::Program;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::Trial;
use crate::chaos::upstream::Upstream;

pub(super) fn slowloris(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let clients = fewer_if_quick(stage, 5000);
    attacked(stage, subject, "slowloris", clients, &format!("{clients} slowloris connections"))
}

pub(super) fn slow_readers(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let clients = fewer_if_quick(stage, 5000);
    attacked(stage, subject, "slow-readers", clients, &format!("{clients} slow readers"))
}

pub(super) fn rapid_reset(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    attacked(stage, subject, "rapid-reset", FLOODS, "HTTP/2 rapid reset")
}

pub(super) fn continuation(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    attacked(stage, subject, "continuation", FLOODS, "CONTINUATION flood")
}

pub(super) fn connects(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let rate = fewer_if_quick(stage, 10_000);
    attacked(stage, subject, "connects", rate, &format!("{rate} connects a second"))
}

fn fewer_if_quick(stage: &Stage<'_>, clients: u64) -> u64 {
    if stage.options.quick { clients / 10 } else { clients }
}

fn attacked(
    stage: &Stage<'_>,
    subject: &Subject<'_>,
    mode: &str,
    clients: u64,
    title: &str,
) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let plan = Plan { upstreams: Upstream::ports(&upstreams), ..Plan::default() };
    let proxy = Proxy::start(stage, subject, &plan)?;
    let demand = Demand::steady(proxy.port, subject.rate);
    let before = meter::memory(proxy.pid());
    let (trial, did) = Trial::run(stage, demand, stage.options.times.fault, |fault| {
        let attack = attack(stage, proxy.port, mode, clients)?;
        fault.wait();
        attack.finish()
    })?;
    let after = meter::memory(proxy.pid());
    let all = 0..trial.fault_seconds();
    let row = Row::of(title, subject.setup.name, &trial, all).none_lost().within(2.0);
    Ok(vec![row.note(format!(
        "memory {:.0} MB before, {:.0} MB at most; the attack: {}",
        before.resident_kb / 1024.0,
        after.peak_kb / 1024.0,
        did.trim().replace('"', "").replace(':', " "),
    ))])
}

/// Starts an attack, which goes on until it is finished.
pub(super) fn attack(stage: &Stage<'_>, port: u16, mode: &str, clients: u64) -> Result<Program> {
    let mut command = stage.beside(&stage.tools.hostile);
    command.args(["--mode", mode, "--to", &format!("127.0.0.1:{port}")]);
    command.args(["--clients", &clients.to_string()]);
    Program::talking(&stage.reaper, &mut command)
}

/// Connections that flood at a time.
const FLOODS: u64 = 20;
