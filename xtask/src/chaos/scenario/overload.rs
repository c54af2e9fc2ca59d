//! Ten times the requests that the upstreams can answer.

use anyhow::Result;

use crate::chaos::load::{self, Demand, Load};
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::timeline::Window;
use crate::chaos::trial::{Trial, seconds_f64};
use crate::chaos::upstream::{Bounds, Upstream};

/// Each upstream works on a few requests at a time; what it gets beyond that waits, and makes all others
/// wait. The proxy is told that bound, and has to turn the rest away.
pub(super) fn overload(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let bounds = Bounds { at_once: if stage.options.quick { 2 } else { 8 }, service_ms: 20 };
    let upstreams: Vec<_> =
        (0..3).map(|_| Upstream::start(stage, Some(bounds))).collect::<Result<_>>()?;
    let plan = Plan {
        upstreams: Upstream::ports(&upstreams),
        at_once: Some(bounds.at_once),
        ..Plan::default()
    };
    let proxy = Proxy::start(stage, subject, &plan)?;
    let peak = peak(stage, &proxy, bounds.at_once * upstreams.len())?;
    let half = Demand { timeout_ms: PATIENCE_MS, ..Demand::steady(proxy.port, (peak / 2).max(1)) };
    let rest = Demand { rate: 10 * peak - half.rate, connections: CROWD, ..half };
    let seconds = stage.options.times.fault;
    let (trial, crowd) = Trial::run(stage, half, seconds, |_| Load::start(stage, rest, seconds))?;
    let crowd = crowd.finish()?;
    // The first second brings the crowd in; the last one may be cut short.
    let mut all = trial.during(1..seconds - 1);
    all.add(&crowd.window(1..seconds - 1));
    Ok(vec![judged(subject, &trial, all, peak, 10 * peak)])
}

/// Good answers a second when exactly as many requests are under way as can be worked on.
fn peak(stage: &Stage<'_>, proxy: &Proxy, at_once: usize) -> Result<u64> {
    let demand = Demand { connections: at_once, ..Demand::steady(proxy.port, 0) };
    load::closed_loop(stage, demand, stage.options.times.quiet).map(|peak| peak.max(1))
}

fn judged(subject: &Subject<'_>, trial: &Trial, all: Window, peak: u64, rate: u64) -> Row {
    let seconds = trial.fault_seconds() - 2;
    let goodput = all.good / seconds.max(1);
    let share = 100.0 * seconds_f64(goodput) / seconds_f64(peak);
    let title = "10 x overload, open loop";
    let row = Row::of_window(title, subject.setup.name, trial, rate, all).within(3.0);
    let row = row.check(format!("goodput {share:.1} % of the peak, at least 90 %"), share >= 90.0);
    row.note(format!(
        "peak {peak}/s, goodput {goodput}/s; those that are turned away count as lost"
    ))
}

/// Clients go away after this; what is answered later helps nobody.
const PATIENCE_MS: u64 = 1000;
/// Enough connections that the load stays an open loop.
const CROWD: usize = 2000;
