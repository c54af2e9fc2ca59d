//! Active health checks: a request to each endpoint of an upstream, again and again.
//!
//! A check only says whether an endpoint is down; who may use it then is for the balancer to say.

mod grpc;
mod probe;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use portunus_balance::{Address, Endpoint, EndpointState};
use portunus_base::{Clock as _, Rng, SystemClock};
use portunus_compile::HealthPlan;
use tokio::task::JoinSet;

use self::tally::Tally;
use crate::task::{LocalTask, LocalThread};
use crate::upstreams::Target;

/// The running checks of one upstream. Dropping them ends them and takes back what they said.
#[derive(Debug)]
pub(crate) struct Checks {
    plan: HealthPlan,
    target: Arc<Target>,
    _task: LocalTask,
}

impl Checks {
    pub(crate) fn start(plan: HealthPlan, target: Arc<Target>, thread: &LocalThread) -> Self {
        let rounds = Rounds {
            plan: plan.clone(),
            target: Arc::clone(&target),
            tallies: HashMap::new(),
            rng: Rng::from_system(),
        };
        Self { plan, target, _task: thread.spawn(move || rounds.run()) }
    }

    pub(crate) fn plan(&self) -> &HealthPlan {
        &self.plan
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        for endpoint in self.target.upstream().serving.load().set.endpoints() {
            endpoint.state.set_active_down(false);
        }
    }
}

/// All endpoints are asked at once, then there is a pause.
struct Rounds {
    plan: HealthPlan,
    target: Arc<Target>,
    tallies: HashMap<Address, (Weak<EndpointState>, Tally)>,
    rng: Rng,
}

impl Rounds {
    async fn run(mut self) {
        loop {
            let mut pause = tokio::time::interval(self.interval());
            pause.tick().await;
            self.round().await;
            pause.tick().await;
        }
    }

    /// The pause, shorter or longer by up to a tenth, so that many proxies do not ask in step.
    fn interval(&mut self) -> Duration {
        let share = 90 + u32::try_from(self.rng.below(21)).unwrap_or(0);
        (self.plan.every * share / 100).max(Duration::from_millis(1))
    }

    async fn round(&mut self) {
        let upstream = self.target.upstream();
        let serving = upstream.serving.load();
        let endpoints = serving.set.endpoints();
        self.tallies.retain(|address, (state, _)| {
            state.strong_count() > 0 && endpoints.iter().any(|one| one.address == *address)
        });
        let mut asked = JoinSet::new();
        for (index, endpoint) in endpoints.iter().enumerate() {
            if asked.len() >= ASKED_MAX {
                self.join(&mut asked, endpoints).await;
            }
            let probe = probe::Probe::new(&self.plan, &upstream.plan, endpoint);
            asked.spawn_local(async move { (index, probe.run().await) });
        }
        while !asked.is_empty() {
            self.join(&mut asked, endpoints).await;
        }
    }

    async fn join(&mut self, asked: &mut JoinSet<Asked>, endpoints: &[Endpoint]) {
        if let Some(Ok((index, result))) = asked.join_next().await
            && let Some(endpoint) = endpoints.get(index)
        {
            self.record(endpoint, result);
        }
    }

    fn record(&mut self, endpoint: &Endpoint, result: Result<(), String>) {
        let state = &endpoint.state;
        let fresh = || (Arc::downgrade(state), Tally::new(state.active_down()));
        let (known, tally) = self.tallies.entry(endpoint.address.clone()).or_insert_with(fresh);
        if !std::ptr::eq(known.as_ptr(), Arc::as_ptr(state)) {
            (*known, *tally) = fresh();
        }
        let upstream = self.target.upstream();
        let plan = &upstream.plan;
        let (upstream, name) = (&*plan.name, endpoint.name.as_str());
        let (rise, fall) = (self.plan.healthy_after, self.plan.unhealthy_after);
        if result.is_ok() && !state.active_down() && plan.outlier.is_none() {
            // It answers again: a failed connect of before holds nobody off any longer. An ejection for bad results
            // does: an endpoint may be fine when it is checked, and fail all others.
            state.recover();
        }
        match tally.record(result.is_ok(), rise, fall) {
            Some(true) => {
                if !plan.slow_start.is_zero() {
                    state.begin_slow_start(SystemClock.mono());
                }
                state.set_active_down(false);
                tracing::info!(upstream, endpoint = name, "the endpoint is healthy again");
            }
            Some(false) => {
                state.set_active_down(true);
                let reason = result.err().unwrap_or_default();
                tracing::warn!(upstream, endpoint = name, reason, "the endpoint is unhealthy");
            }
            None => {}
        }
    }
}

type Asked = (usize, Result<(), String>);

/// Most checks of one upstream that run at once.
const ASKED_MAX: usize = 64;
