//! What happens to the endpoints of one upstream as time passes: slow starts go on, ejections begin and end.
//!
//! Workers only read and write the state of endpoints; here it is judged over a while, told, counted, and moved on.

mod windows;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{Endpoint, EndpointSet, EndpointState, OutlierPlan};
use portunus_base::{Clock as _, Mono, SystemClock, WorkerId};
use portunus_telemetry::{EndpointSeries, Shard};
use portunus_upstream::{ServingSet, UpstreamPlan};

use self::windows::Windows;
use crate::task::{LocalTask, LocalThread};
use crate::upstreams::Target;

/// The upkeep of one upstream. Dropping it ends slow starts and ejections at once.
#[derive(Debug)]
pub(crate) struct Upkeep {
    _task: LocalTask,
}

impl Upkeep {
    /// Whether an upstream has anything to keep up.
    pub(crate) fn is_wanted(plan: &UpstreamPlan) -> bool {
        plan.outlier.is_some() || !plan.slow_start.is_zero()
    }

    pub(crate) fn start(target: Arc<Target>, thread: &LocalThread) -> Self {
        let shard = target.world().metrics.shard(SHARD);
        let rounds = Rounds { target, ledger: Ledger::new(shard) };
        Self { _task: thread.spawn(move || rounds.run()) }
    }
}

/// Looks at all endpoints, again and again.
struct Rounds {
    target: Arc<Target>,
    ledger: Ledger,
}

impl Rounds {
    async fn run(mut self) {
        loop {
            let upstream = self.target.upstream();
            self.ledger.round(&upstream.plan, &upstream.serving.load(), SystemClock.mono());
            tokio::time::sleep(pause(&upstream.plan)).await;
        }
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        let serving = self.target.upstream().serving.load();
        self.ledger.acquit(serving.set.endpoints());
        for endpoint in serving.set.endpoints() {
            endpoint.state.warm_up(Mono::NEVER, Duration::ZERO);
        }
    }
}

/// What is known of the endpoints from one round to the next.
struct Ledger {
    shard: Arc<Shard>,
    windows: Windows,
    /// The endpoints that are known to be ejected, by the key of their state, which stays theirs as it is held here.
    out: HashMap<u32, Out>,
    /// There was an `outlier` the last time.
    is_judged: bool,
}

/// An ejected endpoint.
struct Out {
    state: Arc<EndpointState>,
    series: EndpointSeries,
    name: String,
}

impl Ledger {
    fn new(shard: Arc<Shard>) -> Self {
        Self { shard, windows: Windows::default(), out: HashMap::new(), is_judged: false }
    }

    fn round(&mut self, plan: &UpstreamPlan, serving: &ServingSet, now: Mono) {
        let endpoints = serving.set.endpoints();
        endpoints.iter().for_each(|endpoint| endpoint.state.warm_up(now, plan.slow_start));
        let Some(outlier) = &plan.outlier else { return self.acquit(endpoints) };
        self.is_judged = true;
        self.judge(outlier, &serving.set, now);
        serving.set.review(outlier, now);
        let mut lines = Lines { upstream: &plan.name, written: 0, more: 0 };
        self.note_ends(endpoints, now, &mut lines);
        for (endpoint, series) in endpoints.iter().zip(&serving.series) {
            self.note_begin(endpoint, *series, now, &mut lines);
        }
        lines.end();
    }

    /// Ejects those that were bad over a while, or worse than the others.
    fn judge(&mut self, outlier: &OutlierPlan, set: &EndpointSet, now: Mono) {
        let Some(plan) = &outlier.window else { return self.windows.clear() };
        let seen = self.windows.look(plan.over, set.endpoints(), now);
        for (index, why) in plan.outliers(&seen) {
            if set.eject(index, why, outlier, now) {
                self.windows.forget(set.endpoints().get(index));
            }
        }
    }

    fn note_begin(
        &mut self,
        endpoint: &Endpoint,
        series: EndpointSeries,
        now: Mono,
        lines: &mut Lines<'_>,
    ) {
        let state = &endpoint.state;
        let mut reason = "";
        for (why, count) in state.take_ejections() {
            reason = why.word();
            self.shard.ejections(series, reason, count);
        }
        if state.is_ejected(now) && !self.out.contains_key(&state.key()) {
            self.shard.ejected_up(series);
            lines.ejected(&endpoint.name, reason, state.ejected_until().since_us(now));
            let (state, name) = (Arc::clone(state), endpoint.name.clone());
            self.out.insert(state.key(), Out { state, series, name });
        }
    }

    fn note_ends(&mut self, endpoints: &[Endpoint], now: Mono, lines: &mut Lines<'_>) {
        let shard = &self.shard;
        self.out.retain(|_, out| {
            let is_there = || endpoints.iter().any(|one| Arc::ptr_eq(&one.state, &out.state));
            let stays = out.state.is_ejected(now) && is_there();
            if !stays {
                shard.ejected_down(out.series);
                lines.readmitted(&out.name);
            }
            stays
        });
    }

    /// Nobody judges endpoints any more: what was said of them is taken back.
    fn acquit(&mut self, endpoints: &[Endpoint]) {
        self.windows.clear();
        if std::mem::take(&mut self.is_judged) {
            endpoints.iter().for_each(|endpoint| endpoint.state.readmit());
        }
        for (_, out) in self.out.drain() {
            self.shard.ejected_down(out.series);
        }
    }
}

/// What is logged of one round: not more than a few lines, however many endpoints fail at once.
struct Lines<'u> {
    upstream: &'u str,
    written: usize,
    more: usize,
}

impl Lines<'_> {
    fn ejected(&mut self, endpoint: &str, reason: &str, for_us: u64) {
        if self.has_room() {
            let (upstream, for_s) = (self.upstream, for_us.div_ceil(1_000_000));
            tracing::warn!(upstream, endpoint, reason, for_s, "the endpoint is ejected");
        }
    }

    fn readmitted(&mut self, endpoint: &str) {
        if self.has_room() {
            let upstream = self.upstream;
            tracing::info!(upstream, endpoint, "the endpoint is not ejected any more");
        }
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.written < LINES_MAX;
        self.written += usize::from(has_room);
        self.more += usize::from(!has_room);
        has_room
    }

    fn end(self) {
        if self.more > 0 {
            let (upstream, more) = (self.upstream, self.more);
            tracing::warn!(upstream, more, "ejections of more endpoints began or ended");
        }
    }
}

/// The time between two looks: a second, or shorter where a slow start has a step of one per cent to make, or where a
/// window is short.
fn pause(plan: &UpstreamPlan) -> Duration {
    let window = plan.outlier.as_ref().and_then(|outlier| outlier.window);
    let steps = [
        Some(plan.slow_start / 90).filter(|step| !step.is_zero()),
        window.map(|window| window.over / 10),
    ];
    steps.into_iter().flatten().min().unwrap_or(PAUSE_MAX).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// The part of the metrics that only the thread of health checks writes; no worker has this id.
const SHARD: WorkerId = WorkerId(u16::MAX);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Most lines that one round logs of one upstream.
const LINES_MAX: usize = 10;

#[cfg(test)]
mod tests;
