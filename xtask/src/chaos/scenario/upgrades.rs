//! One binary after the other takes over the sockets.

use std::time::Duration;

use anyhow::Result;

use crate::bench::{clock, launch};
use crate::chaos::load::Demand;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Trial, seconds_f64};
use crate::chaos::upstream::Upstream;

pub(super) fn upgrades(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let plan = Plan { upstreams: Upstream::ports(&upstreams), ..Plan::default() };
    let proxy = Proxy::start(stage, subject, &plan)?;
    let demand = Demand::steady(proxy.port, subject.rate);
    let seconds = stage.options.times.series;
    let wanted = seconds * UPGRADES_IN_A_MINUTE / 60;
    let (trial, done) = Trial::run(stage, demand, seconds, |fault| {
        let mut done = 0;
        for turn in 0..wanted {
            fault.wait_until(seconds_f64(turn) * 60.0 / seconds_f64(UPGRADES_IN_A_MINUTE));
            done += u64::from(upgrade(&proxy));
        }
        fault.wait();
        Ok(done)
    })?;
    let title = format!("{wanted} binary upgrades in {seconds} s");
    let row = Row::of(&title, subject.setup.name, &trial, 0..trial.fault_seconds());
    let row = row.none_lost().within(1.5);
    Ok(vec![row.check(format!("{done} of {wanted} took over"), done == wanted)])
}

/// Asks the process that accepts to hand over; whether another one accepts soon.
fn upgrade(proxy: &Proxy) -> bool {
    let Some(old) = proxy.accepting_pid() else { return false };
    launch::signal(old, "USR2");
    for _ in 0..POLLS {
        if proxy.accepting_pid().is_some_and(|pid| pid != old) {
            return true;
        }
        clock::pause(POLL);
    }
    false
}

const UPGRADES_IN_A_MINUTE: u64 = 20;
const POLLS: usize = 250;
const POLL: Duration = Duration::from_millis(10);
