//! The store of shared limits goes, comes back, and is slow. The limit lets requests pass meanwhile.

use std::process::Stdio;

use anyhow::Result;

use crate::bench::probe;
use crate::chaos::load::Demand;
use crate::chaos::program::Program;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Trial, seconds_f64};
use crate::chaos::upstream::{Upstream, wait_for};

pub(super) fn away(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let store = Store { redis: probe::free_port()?, relay: probe::free_port()? };
    let (redis, mut relay) = (store.start_redis(stage)?, store.start_relay(stage)?);
    let plan = Plan {
        upstreams: Upstream::ports(&upstreams),
        redis: Some(store.relay),
        ..Plan::default()
    };
    let proxy = Proxy::start(stage, subject, &plan)?;
    // A request asks the store, so less of them is half of what is possible.
    let demand = Demand::steady(proxy.port, (subject.rate / 2).max(1));
    let third = stage.options.times.fault / 2;
    let (trial, _running) = Trial::run(stage, demand, 3 * third, |fault| {
        redis.kill();
        relay.kill();
        fault.wait_until(seconds_f64(third));
        let redis = store.start_redis(stage)?;
        relay = store.start_relay(stage)?;
        fault.wait_until(seconds_f64(2 * third));
        relay.order("500")?;
        Ok((redis, relay))
    })?;
    let parts = [("gone", 0), ("back", 1), ("slow by 500 ms", 2)];
    let row = |(what, part)| {
        let seconds = part * third..(part + 1) * third;
        let longest_us = trial.during(seconds.clone()).quantile_us(1.0).unwrap_or(u64::MAX);
        let row = Row::of(&format!("Redis {what}"), subject.setup.name, &trial, seconds);
        let row = row.none_lost().check("none waits 500 ms", longest_us < 500_000);
        row.note(format!("fail: open, timeout: 100ms; the longest took {} ms", longest_us / 1000))
    };
    Ok(parts.map(row).into())
}

/// Redis, and the relay through which it is reached.
struct Store {
    redis: u16,
    relay: u16,
}

impl Store {
    fn start_redis(&self, stage: &Stage<'_>) -> Result<Program> {
        let mut command = stage.beside("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
        command.arg(self.redis.to_string()).stdout(Stdio::null());
        let redis = Program::start(&stage.reaper, &mut command)?;
        wait_for(self.redis)?;
        Ok(redis)
    }

    fn start_relay(&self, stage: &Stage<'_>) -> Result<Program> {
        let mut command = stage.beside(&stage.tools.delay);
        command.args(["--listen", &format!("127.0.0.1:{}", self.relay)]);
        command.args(["--to", &format!("127.0.0.1:{}", self.redis)]);
        let relay = Program::talking(&stage.reaper, &mut command)?;
        wait_for(self.relay)?;
        Ok(relay)
    }
}
