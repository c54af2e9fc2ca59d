//! One of three upstreams fails in some way.

use anyhow::{Context as _, Result};

use crate::chaos::load::Demand;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Fault, Trial, seconds_f64};
use crate::chaos::upstream::Upstream;

pub(super) fn killed(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    judged(stage, subject, "one of three upstreams killed", |first, _, _| {
        first.kill();
        Ok(())
    })
}

pub(super) fn restarted(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    judged(stage, subject, "one of three upstreams restarted every 3 s", |first, stage, fault| {
        for at in (0..fault.seconds / 3).map(|turn| seconds_f64(turn * 3)) {
            fault.wait_until(at);
            first.kill();
            fault.wait_until(at + 1.0);
            first.start_again(stage)?;
        }
        Ok(())
    })
}

pub(super) fn stalled(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let trial = fail_first(stage, subject, |first, _, _| {
        first.stall();
        Ok(())
    })?;
    let all = 0..trial.fault_seconds();
    let after = EJECTED_AFTER..all.end;
    let title = "one of three upstreams stalled";
    let row =
        Row::with_p99_of(title, subject.setup.name, &trial, all, after).none_lost().within(3.0);
    Ok(vec![row.note(format!("p99 from {EJECTED_AFTER} s on, when the endpoint must be ejected"))])
}

pub(super) fn garbage(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    judged(stage, subject, "one of three upstreams answers garbage", |first, _, _| {
        first.behave("garbage")
    })
}

pub(super) fn slow(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    judged(stage, subject, "one of three upstreams slow by 500 ms", |first, _, _| {
        first.behave("slow 500")
    })
}

fn judged(
    stage: &Stage<'_>,
    subject: &Subject<'_>,
    title: &str,
    fail: impl FnOnce(&mut Upstream, &Stage<'_>, &Fault<'_>) -> Result<()>,
) -> Result<Vec<Row>> {
    let trial = fail_first(stage, subject, fail)?;
    let all = 0..trial.fault_seconds();
    Ok(vec![Row::of(title, subject.setup.name, &trial, all).none_lost().within(3.0)])
}

fn fail_first(
    stage: &Stage<'_>,
    subject: &Subject<'_>,
    fail: impl FnOnce(&mut Upstream, &Stage<'_>, &Fault<'_>) -> Result<()>,
) -> Result<Trial> {
    let mut upstreams = Upstream::start_three(stage)?;
    let plan = Plan { upstreams: Upstream::ports(&upstreams), ..Plan::default() };
    let first = upstreams.first_mut().context("no upstream")?;
    let proxy = Proxy::start(stage, subject, &plan)?;
    let demand = Demand::steady(proxy.port, subject.rate);
    let (trial, ()) =
        Trial::run(stage, demand, stage.options.times.fault, |fault| fail(first, stage, fault))?;
    first.go_on();
    Ok(trial)
}

/// Within this many seconds an endpoint that does not answer has to be left alone.
const EJECTED_AFTER: u64 = 3;
