//! A request's turn at an upstream that gets no more at once than it can take: let in, made to wait, or sent away.

use std::sync::Arc;

use portunus_balance::EndpointState;
use portunus_base::Mono;
use portunus_exchange::{ErrorKind, ProxyError};
use portunus_resilience::{PushedOut, Queue, WaitEnd, Wish};
use portunus_snapshot::Route;
use portunus_upstream::{ANY_ENDPOINT, QueuePlan, Upstream, UpstreamPlan};

use crate::local::Local;
use crate::phases::receive::unless;
use crate::phases::select::{self, Flight, Tries};
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::Run;

/// Gives the request to an endpoint, after a wait where there is none with room now and the upstream lets requests wait.
pub(crate) async fn flight<'u, C: ClientStream>(
    run: &'u Run<'_>,
    route: &Route,
    upstream: &'u Arc<Upstream>,
    client: &mut C,
    tries: &mut Tries<'u>,
) -> Result<Flight, ProxyError> {
    let Some(plan) = upstream.plan.queue else { return select::flight(run, upstream, tries) };
    // Whoever waits already comes first.
    if upstream.state.queue.waiting() == 0 {
        match select::flight(run, upstream, tries) {
            Err(error) if is_full(error) => {}
            done => return done,
        }
    }
    Box::pin(wait(run, route, upstream, plan, client, tries)).await
}

async fn wait<'u, C: ClientStream>(
    run: &'u Run<'_>,
    route: &Route,
    upstream: &'u Arc<Upstream>,
    plan: QueuePlan,
    client: &mut C,
    tries: &mut Tries<'u>,
) -> Result<Flight, ProxyError> {
    let queue = &upstream.state.queue;
    let mut visit = Visit { run, queue, began: run.local.worker.refresh(), end: WaitEnd::Left };
    let full = ProxyError::local(ErrorKind::QueueFull);
    let sight = sight(run, upstream);
    let (key, priority, max) = (ANY_ENDPOINT, route.priority, plan.max);
    let Ok(turn) = queue.join(Wish { key, priority, sight, max, key_max: max }) else {
        visit.end = WaitEnd::Full;
        return Err(full);
    };
    run.local.watch(queue);
    let take = || match select::flight(run, upstream, tries) {
        Err(error) if is_full(error) => None,
        Ok(flight) => {
            let room = room(run.local, upstream, flight.picked().endpoint().state.key());
            Some((Ok(flight), room))
        }
        // Nobody else has anything to wait for either.
        Err(error) => Some((Err(error), u32::MAX)),
    };
    let late = ProxyError::local(ErrorKind::QueueTimeout);
    let deadline = client.deadline().clone();
    let answer = client.split().1;
    let waiting = unless(|cx| answer.poll_left(cx), turn.wait(take));
    match deadline.bound(plan.timeout, late, waiting).await {
        Ok(Ok(Ok(flight))) => {
            visit.end = if flight.is_ok() { WaitEnd::Served } else { WaitEnd::Left };
            flight
        }
        Ok(Ok(Err(PushedOut))) => {
            visit.end = WaitEnd::PushedOut;
            Err(full)
        }
        Ok(Err(gone)) => Err(gone),
        Err(late) => {
            visit.end = WaitEnd::Late;
            Err(late)
        }
    }
}

/// Whether another request that ends makes room for this one.
fn is_full(error: ProxyError) -> bool {
    matches!(error.kind, ErrorKind::UpstreamBusy | ErrorKind::UpstreamOverloaded)
}

/// Connections and plans differ: what one worker finds no place for may find one on another, or by a newer plan.
fn sight(run: &Run<'_>, upstream: &Arc<Upstream>) -> u64 {
    // Within the bytes of a plan there is a number for each worker.
    (Arc::as_ptr(upstream).addr() as u64).wrapping_add(u64::from(run.local.worker.id().0))
}

/// Whether an endpoint may get one request more, as far as its own limits go; None where it has none.
pub(crate) fn has_room<'l>(
    local: &'l Local,
    upstream: &'l Upstream,
) -> Option<impl Fn(&EndpointState) -> bool + 'l> {
    let plan = &upstream.plan;
    let is_bounded = plan.requests_max.is_some() || plan.connections_max.is_some();
    is_bounded.then_some(move |state: &EndpointState| {
        requests_left(upstream, state) > 0
            && (connections_left(upstream, state) > 0 || shares(local, plan, state.key()))
    })
}

/// Whether a connection that is there takes one request more. Where none waits for its turn, requests above what it
/// takes wait in it.
fn shares(local: &Local, plan: &UpstreamPlan, key: u32) -> bool {
    match plan.queue {
        // A connection that names its client serves no other one.
        _ if plan.proxy_protocol.is_some() => false,
        Some(_) => local.pools.room(key, plan) > 0,
        None => local.pools.has_any(key),
    }
}

/// How many requests more the upstream may get, beside one that has its place at the endpoint of this key, and no
/// connection yet.
fn room(local: &Local, upstream: &Arc<Upstream>, taken: u32) -> u32 {
    let plan = &upstream.plan;
    let found = plan.adaptive.map_or(u32::MAX, |rule| upstream.state.gradient.room(&rule));
    let left = |state: &EndpointState| {
        requests_left(upstream, state).min(places_left(local, upstream, state, taken))
    };
    local.room(upstream, left).min(found)
}

fn requests_left(upstream: &Upstream, state: &EndpointState) -> u32 {
    let max = upstream.plan.requests_max.map(|_| upstream.state.limits.requests_max());
    max.map_or(u32::MAX, |max| max.saturating_sub(state.in_flight()))
}

fn connections_left(upstream: &Upstream, state: &EndpointState) -> u32 {
    let max = upstream.plan.connections_max.map(|_| upstream.state.limits.connections_max());
    max.map_or(u32::MAX, |max| max.saturating_sub(state.connections()))
}

/// Places on connections that are there or may be opened.
fn places_left(local: &Local, upstream: &Upstream, state: &EndpointState, taken: u32) -> u32 {
    let (plan, key) = (&upstream.plan, state.key());
    if plan.connections_max.is_none() {
        return u32::MAX;
    }
    let shared = if plan.proxy_protocol.is_none() { local.pools.room(key, plan) } else { 0 };
    let left = connections_left(upstream, state).saturating_add(shared);
    left.saturating_sub(u32::from(key == taken))
}

/// A wait that is noted when it ends, however it does.
struct Visit<'v> {
    run: &'v Run<'v>,
    queue: &'v Queue,
    began: Mono,
    end: WaitEnd,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let waited_us = self.run.local.worker.refresh().since_us(self.began);
        self.queue.note(self.end, std::time::Duration::from_micros(waited_us));
        let timings = &mut self.run.exchange.borrow_mut().timings;
        timings.queue_us = Some(timings.queue_us.unwrap_or(0) + waited_us);
    }
}

/// A request that an adaptive limit has let in; counted there until its answer begins, or it is given up.
pub(crate) struct Admitted {
    upstream: Arc<Upstream>,
    /// When it was sent; 0 before.
    sent: Mono,
    /// How long its answer took to begin, and whether that was an error of the server.
    answer: Option<(u64, bool)>,
}

impl Admitted {
    /// Whether one request more may begin. To be asked before [`Admitted::begin`], so that who is not let in takes
    /// nothing from others for the while.
    pub(crate) fn has_room(upstream: &Upstream) -> bool {
        upstream.plan.adaptive.is_none_or(|rule| upstream.state.gradient.room(&rule) > 0)
    }

    /// Lets a request in; None where the upstream has no such limit.
    pub(crate) fn begin(upstream: &Arc<Upstream>) -> Result<Option<Box<Self>>, ProxyError> {
        let Some(rule) = &upstream.plan.adaptive else { return Ok(None) };
        if !upstream.state.gradient.begin(rule) {
            return Err(ProxyError::local(ErrorKind::UpstreamOverloaded));
        }
        let upstream = Arc::clone(upstream);
        Ok(Some(Box::new(Self { upstream, sent: Mono(0), answer: None })))
    }

    /// The request can be sent from now on.
    pub(crate) fn connected(&mut self, now: Mono) {
        self.sent = now;
    }

    /// The head of its answer is there. An error is no work: how fast it came says nothing.
    pub(crate) fn answered(&mut self, latency_us: u64, status: u16) {
        self.answer = Some((latency_us, status >= 500));
    }

    /// The request waits no more for its answer to begin.
    pub(crate) fn end(self, local: &Local) {
        let (gradient, now) = (&self.upstream.state.gradient, local.worker.now());
        let Some(rule) = &self.upstream.plan.adaptive else { return };
        local.worker.random(|rng| match self.answer {
            Some((latency_us, false)) => gradient.end(latency_us, rule, now, rng),
            Some((latency_us, true)) => gradient.end_failed(latency_us, rule, now, rng),
            None if self.sent > Mono(0) => {
                gradient.end_failed(now.since_us(self.sent), rule, now, rng);
            }
            None => gradient.forget(),
        });
    }
}
