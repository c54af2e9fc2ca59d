//! Active health checks: a request to each endpoint of an upstream, again and again.
//!
//! A check only says whether an endpoint is down; who may use it then is for the balancer to say.

mod grpc;
mod probe;
mod schedule;
mod search;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use portunus_balance::{Endpoint, EndpointState};
use portunus_base::{Clock as _, Rng, SystemClock};
use portunus_compile::HealthPlan;
use portunus_upstream::{ServingSet, UpstreamPlan};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::probe::Probe;
use self::schedule::Schedule;
use self::search::Searches;
use crate::task::{LocalTask, LocalThread};
use crate::upstreams::Target;

/// The running checks of one upstream. Dropping them ends them and takes back what they said.
#[derive(Debug)]
pub(crate) struct Checks {
    plan: HealthPlan,
    stage: Arc<Stage>,
    _task: LocalTask,
}

impl Checks {
    pub(crate) fn start(plan: HealthPlan, target: Arc<Target>, thread: &LocalThread) -> Self {
        let stage = Arc::new(Stage::default());
        let rounds = Rounds {
            target,
            stage: Arc::clone(&stage),
            serving: None,
            schedule: Schedule::new(plan.every, plan.healthy_after, Rng::from_system()),
            searches: Arc::new(Searches::new(SEARCHES_MAX)),
            plan: plan.clone(),
        };
        Self { plan, stage, _task: thread.spawn(move || rounds.run()) }
    }

    pub(crate) fn plan(&self) -> &HealthPlan {
        &self.plan
    }

    /// Ends them for others, which go on from what they said.
    pub(crate) fn replaced(self) {
        self.stage.0.store(REPLACED, SeqCst);
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        // One that is replaced stays so.
        let _ = self.stage.0.compare_exchange(RUNNING, ENDED, SeqCst, SeqCst);
    }
}

/// Where checks are in their life. Their task ends a moment after their owner has let go of them, on its own thread:
/// until then it must say nothing any more.
#[derive(Debug, Default)]
struct Stage(AtomicU8);

impl Stage {
    fn is(&self, stage: u8) -> bool {
        self.0.load(SeqCst) == stage
    }
}

/// Asks each endpoint when its time has come.
struct Rounds {
    plan: HealthPlan,
    target: Arc<Target>,
    stage: Arc<Stage>,
    /// The endpoints that are in the schedule.
    serving: Option<Arc<ServingSet>>,
    schedule: Schedule,
    searches: Arc<Searches>,
}

impl Rounds {
    async fn run(mut self) {
        let mut asked = JoinSet::new();
        loop {
            let now = Instant::now();
            self.follow(now);
            self.ask(&mut asked, now);
            let is_full = asked.len() >= ASKED_MAX;
            let wake = self.schedule.next().filter(|_| !is_full).unwrap_or(now + FOLLOW_EVERY);
            tokio::select! {
                Some(result) = asked.join_next() => {
                    if let Ok((endpoint, result)) = result {
                        self.note(&endpoint, result);
                    }
                }
                () = sleep_until(wake.min(now + FOLLOW_EVERY)) => {}
            }
        }
    }

    /// Takes on the endpoints of now.
    fn follow(&mut self, now: Instant) {
        let serving = self.target.upstream().serving.load();
        if self.serving.as_ref().is_some_and(|known| Arc::ptr_eq(known, &serving)) {
            return;
        }
        // Those of before are still held here: nobody else has one of their keys.
        for left in self.schedule.follow(serving.set.endpoints(), now) {
            let before = self.serving.iter().flat_map(|serving| serving.set.endpoints());
            let mut states = before.map(|endpoint| &endpoint.state);
            if let Some(state) = states.find(|state| state.key() == left) {
                // It may come back when there are no checks any more.
                state.set_active_down(false);
            }
        }
        self.serving = Some(serving);
    }

    /// Asks those whose time has come, as many as may be.
    fn ask(&mut self, asked: &mut JoinSet<Asked>, now: Instant) {
        let upstream = self.target.upstream();
        let endpoints = self.serving.as_ref().map_or(&[][..], |serving| serving.set.endpoints());
        while asked.len() < ASKED_MAX
            && let Some(index) = self.schedule.take(now)
        {
            let Some(endpoint) = endpoints.get(index) else { continue };
            let probe = Probe::new(&self.plan, &upstream.plan, endpoint, &self.searches);
            let endpoint = endpoint.clone();
            asked.spawn_local(async move { (endpoint, probe.run().await) });
        }
    }

    /// Takes note of a result, if there is one.
    fn note(&mut self, endpoint: &Endpoint, result: Option<Result<(), String>>) {
        let state = &endpoint.state;
        self.schedule.put_back(state.key());
        let Some(result) = result.filter(|_| self.stage.is(RUNNING)) else { return };
        let (rise, fall) = (self.plan.healthy_after, self.plan.unhealthy_after);
        let down = state.active_down();
        let Some(tally) = self.schedule.tally(state.key()) else { return };
        let changed = tally.record(result.is_ok(), down, rise, fall);
        if result.is_ok() && !down && self.plan.port.is_none() {
            // A failed connect of before holds nobody off any longer. An ejection for bad results does: an endpoint may
            // be fine when it is checked, and fail all others.
            state.end_rest();
        }
        let upstream = self.target.upstream();
        match changed {
            Some(true) => healthy(&upstream.plan, endpoint),
            Some(false) => unhealthy(&upstream.plan, endpoint, &result.err().unwrap_or_default()),
            None => {}
        }
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        if self.stage.is(REPLACED) {
            return;
        }
        let now = self.target.upstream().serving.load();
        let sets = self.serving.iter().chain([&now]);
        let states = sets.flat_map(|serving| serving.set.endpoints()).map(|one| &one.state);
        states.for_each(|state| state.set_active_down(false));
    }
}

fn healthy(plan: &UpstreamPlan, endpoint: &Endpoint) {
    let (upstream, name) = (&*plan.name, endpoint.name.as_str());
    let state: &EndpointState = &endpoint.state;
    if !plan.slow_start.is_zero() {
        state.begin_slow_start(SystemClock.mono());
    }
    state.set_active_down(false);
    tracing::info!(upstream, endpoint = name, "the endpoint is healthy again");
}

fn unhealthy(plan: &UpstreamPlan, endpoint: &Endpoint, reason: &str) {
    let (upstream, name) = (&*plan.name, endpoint.name.as_str());
    endpoint.state.set_active_down(true);
    tracing::warn!(upstream, endpoint = name, reason, "the endpoint is unhealthy");
}

type Asked = (Endpoint, Option<Result<(), String>>);

const RUNNING: u8 = 0;
const REPLACED: u8 = 1;
const ENDED: u8 = 2;
/// Most checks of one upstream that run at once: enough for a thousand endpoints of which none answers in time.
const ASKED_MAX: usize = 1024;
/// Most searches for patterns in answers of one upstream that run at once.
const SEARCHES_MAX: usize = 1;
/// How long another set of endpoints goes unseen at most.
const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(test)]
mod tests;
