//! Two tiers: an edge, and two gateways behind it.

use anyhow::Result;

use crate::chaos::load::Demand;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::Trial;
use crate::chaos::upstream::Upstream;

pub(super) fn killed(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let plan = Plan { upstreams: Upstream::ports(&upstreams), ..Plan::default() };
    let first = Proxy::start(stage, subject, &plan)?;
    let second = Proxy::start(stage, subject, &plan)?;
    let plan = Plan { upstreams: vec![first.port, second.port], ..Plan::default() };
    let edge = Proxy::start(stage, subject, &plan)?;
    // Each request costs two tiers here.
    let demand = Demand::steady(edge.port, (subject.rate / 2).max(1));
    let (trial, ()) = Trial::run(stage, demand, stage.options.times.fault, |_| {
        first.kill();
        Ok(())
    })?;
    let all = 0..trial.fault_seconds();
    let title = "one of two gateways killed behind an edge";
    Ok(vec![Row::of(title, subject.setup.name, &trial, all).none_lost()])
}
