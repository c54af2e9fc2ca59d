//! Which endpoint of which upstream gets the request, and whether another one may after a failure.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{KeySource, Outcome, Tried};
use portunus_base::hash_bytes;
use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Retry, Side, template};
use portunus_http::{HeaderId, ResponseHead};
use portunus_resilience::BackoffRule;
use portunus_snapshot::{AddressText, Destination, Route};
use portunus_upstream::{HttpVersion, Picked, Upstream};

use crate::breaker::{self, Pass};
use crate::deadline::Deadline;
use crate::grpc;
use crate::phases::replay::Replay;
use crate::protocol::{AnswerSink, ClientStream};
use crate::run::{Attempt, Run, Stop};

/// The endpoints that had the request.
#[derive(Debug, Default)]
pub(crate) struct Tries<'u> {
    tried: Tried,
    count: u16,
    h1_only: bool,
    /// What the upstream's breaker is told by, where it has one.
    pass: Option<Pass<'u>>,
    /// An answer was thrown away for another try; how long it asked to wait, where that is heeded.
    thrown_away: Cell<Option<Duration>>,
}

impl Tries<'_> {
    /// The head of the answer is there.
    pub(crate) fn answered(&self, run: &Run<'_>, head: &ResponseHead) {
        if let Some(pass) = &self.pass {
            pass.answered(run, head);
        }
    }

    /// An endpoint wants the request over HTTP/1.
    pub(crate) fn is_h1_only(&self) -> bool {
        self.h1_only
    }
}

/// The upstream that the request goes to.
pub(crate) fn upstream<'r>(
    run: &'r Run<'_>,
    route: &Route,
) -> Result<&'r Arc<Upstream>, ProxyError> {
    let id = match &route.destination {
        Destination::Upstream(id) => Some(*id),
        Destination::Split(split) => split.choose(run.local.worker.random(|rng| rng.u64())),
        Destination::None => None,
    };
    let upstream = id.and_then(|id| run.plan.snapshot.upstream(id));
    let upstream = upstream.ok_or(ProxyError::local(ErrorKind::NoEndpoint))?;
    let mut exchange = run.exchange.borrow_mut();
    exchange.upstream = id;
    exchange.upstream_name = Some(run.local.enter_upstream(upstream, route.retry.budget));
    run.gauges.enter_upstream(upstream.series);
    Ok(upstream)
}

/// The endpoint for the next attempt.
pub(crate) fn endpoint<'u>(
    run: &'u Run<'_>,
    upstream: &'u Arc<Upstream>,
    tries: &mut Tries<'u>,
) -> Result<Picked, ProxyError> {
    run.enter(Phase::Select);
    tries.pass = breaker::ask(run, upstream)?;
    let key = upstream.plan.balancer.key().and_then(|source| key(&run.exchange.borrow(), source));
    let busy_max = upstream.plan.requests_max.unwrap_or(u32::MAX);
    let mut busy = false;
    loop {
        let (picked, resolved) = run.local.pick(upstream, key, &tries.tried);
        let Some(picked) = picked else { return Err(nothing(resolved, busy)) };
        let state = &picked.endpoint().state;
        if state.in_flight() < busy_max {
            tries.tried.insert(state.key());
            tries.count += 1;
            let mut exchange = run.exchange.borrow_mut();
            exchange.attempts = tries.count;
            exchange.endpoint_name = Some(Rc::clone(&picked.name));
            run.endpoint.set(Some(picked.series));
            return Ok(picked);
        }
        if tries.tried.contains(state.key()) {
            return Err(nothing(resolved, true));
        }
        busy = true;
        tries.tried.insert(state.key());
    }
}

fn nothing(resolved: bool, busy: bool) -> ProxyError {
    let kind = match (resolved, busy) {
        (false, _) => ErrorKind::Unresolved,
        (true, true) => ErrorKind::UpstreamBusy,
        (true, false) => ErrorKind::NoEndpoint,
    };
    ProxyError::local(kind)
}

/// The number that keyed algorithms pick by.
fn key(exchange: &Exchange, source: &KeySource) -> Option<u64> {
    match source {
        KeySource::ClientIp => Some(hash_bytes(AddressText::of_ip(exchange.client.ip).text())),
        KeySource::Path => Some(hash_bytes(exchange.request.path())),
        KeySource::Header(name) => exchange.request.headers.value(name.as_bytes()).map(hash_bytes),
        KeySource::Cookie(name) => template::cookie(exchange, name).map(hash_bytes),
        KeySource::Query(name) => template::query_value(exchange, name).map(hash_bytes),
    }
}

/// Whether the request is sent once more after this failure: safe, wanted, and within the budget.
pub(crate) fn try_again<C: ClientStream>(
    run: &Run<'_>,
    route: &Route,
    upstream: &Arc<Upstream>,
    client: &mut C,
    replay: &Replay,
    tries: &mut Tries<'_>,
    error: ProxyError,
) -> bool {
    if let Some(pass) = &tries.pass {
        pass.failed(error);
    }
    let started = client.split().1.is_started();
    let over_h1 = error.retry == Retry::OverH1;
    let in_vain = over_h1 && (tries.h1_only || upstream.plan.http == HttpVersion::H2);
    if started || in_vain || replay.is_lost() || !is_wanted(run, route, error) {
        return false;
    }
    // A connection that the upstream closed while it lay unused is no failure of the upstream's.
    let stale = error.retry == Retry::Replayable;
    let tries_max = route.retry.attempts + u16::from(stale) * STALE_TRIES + u16::from(over_h1);
    let again = tries.count <= tries_max
        && (breaker::is_blameless(error) || run.local.spend_retry(upstream));
    tries.h1_only |= over_h1;
    if again {
        run.local.shard.retry(upstream.series);
    }
    again
}

fn is_wanted(run: &Run<'_>, route: &Route, error: ProxyError) -> bool {
    let on = &route.retry.on;
    let idempotent = run.exchange.borrow().request.method.is_idempotent();
    match error.kind {
        ErrorKind::ConnectFailed
        | ErrorKind::ConnectRefused
        | ErrorKind::ConnectTimeout
        | ErrorKind::TlsCertificate(_)
        | ErrorKind::TlsFailed(_) => on.connect,
        ErrorKind::FirstByteTimeout => on.first_byte && idempotent,
        ErrorKind::UpstreamBusy => error.retry == Retry::Unsent,
        ErrorKind::Reset => match error.retry {
            Retry::Unsent => true,
            Retry::Replayable | Retry::OverH1 => idempotent,
            Retry::Never => on.reset && idempotent,
        },
        _ => false,
    }
}

/// Whether this answer is thrown away for another try.
pub(crate) fn is_retried(run: &Run<'_>, attempt: &Attempt<'_>, head: &ResponseHead) -> bool {
    let Attempt { route, upstream, tries, .. } = *attempt;
    let on = &route.retry.on;
    let by_grpc = !on.grpc.is_empty() && grpc::status_alone(head).is_some_and(|c| on.grpc.has(c));
    let wanted = by_grpc || on.statuses.contains(&head.status);
    if !wanted || tries.count > route.retry.attempts {
        return false;
    }
    let exchange = run.exchange.borrow();
    // A gRPC status says that the call may be made again, whatever its method.
    let replayable = match by_grpc {
        true => grpc::is_grpc(&exchange.request) && !attempt.body.replay.is_lost(),
        false => exchange.request.method.is_idempotent() && exchange.bytes.request == 0,
    };
    // An answer with content is only thrown away where there is somebody else to ask.
    let other = |next: Picked| by_grpc || !tries.tried.contains(next.endpoint().state.key());
    let retried = replayable
        && run.local.pick(upstream, None, &tries.tried).0.is_some_and(other)
        && run.local.spend_retry(upstream);
    tries.thrown_away.set(retried.then(|| retry_after(route, head)));
    retried
}

/// How long an answer asks to wait, where that is heeded. Dates are not: they are as exact as a second at best.
fn retry_after(route: &Route, head: &ResponseHead) -> Duration {
    let text =
        head.headers.value_of(HeaderId::RetryAfter).and_then(|text| std::str::from_utf8(text).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    seconds.filter(|wait| *wait <= route.retry.retry_after_max).unwrap_or_default()
}

/// Waits before the next attempt after this failure, where the route or the answer asks for that.
pub(crate) async fn pause(
    run: &Run<'_>,
    route: &Route,
    deadline: &Deadline,
    tries: &Tries<'_>,
    error: ProxyError,
) -> Result<(), ProxyError> {
    let asked = tries.thrown_away.take();
    // What happens to a sound upstream needs no rest.
    let rests = asked.is_some() || !breaker::is_blameless(error);
    let retry = u32::from(tries.count);
    let draw = |backoff: BackoffRule| run.local.worker.random(|rng| backoff.wait(retry, rng));
    let backoff = || route.retry.backoff.filter(|_| rests).map(draw);
    let Some(wait) = asked.filter(|wait| !wait.is_zero()).or_else(backoff) else { return Ok(()) };
    let over = ProxyError::local(ErrorKind::UpstreamBusy);
    match deadline.bound(wait, over, std::future::pending::<()>()).await {
        Err(error) if error != over => Err(error),
        _ => Ok(()),
    }
}

/// Takes note of an endpoint that had the request and gave no whole answer. A connection that went stale while it lay
/// unused, and a request that was refused unread, tell nothing of the endpoint.
pub(crate) fn note_failure(run: &Run<'_>, attempt: &Attempt<'_>, stop: &Stop) {
    if let Stop::Fail(error) = stop
        && error.side == Side::Upstream
        && error.retry == Retry::Never
    {
        let now = run.local.worker.refresh();
        attempt.picked.observe(Outcome::Failed, &attempt.upstream.plan, now);
    }
}

/// A request at an endpoint; counted there for as long as this lives.
pub(crate) struct Flight {
    picked: Picked,
    latency_us: Option<u64>,
    local: Rc<crate::local::Local>,
}

impl Flight {
    pub(crate) fn begin(run: &Run<'_>, picked: &Picked) -> Self {
        picked.endpoint().state.begin();
        run.local.shard.in_flight_up(picked.series);
        Self { picked: picked.clone(), latency_us: None, local: Rc::clone(run.local) }
    }

    /// There is a connection: what passes now is the endpoint's time.
    pub(crate) fn connected(&self, run: &Run<'_>) {
        run.exchange.borrow_mut().timings.attempt = run.local.worker.now();
    }

    /// The head of the answer is there.
    pub(crate) fn first_byte(&mut self, run: &Run<'_>, upstream: &Upstream, status: u16) {
        let now = run.local.worker.refresh();
        let mut exchange = run.exchange.borrow_mut();
        exchange.timings.first_byte = now;
        self.latency_us = Some(now.since_us(exchange.timings.attempt));
        self.picked.observe(Outcome::of_status(status), &upstream.plan, now);
    }

    /// The answer is whole.
    pub(crate) fn end(self, run: &Run<'_>) {
        run.exchange.borrow_mut().timings.end = run.local.worker.refresh();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.picked.endpoint().state.end(self.latency_us, self.local.worker.now());
        self.local.shard.in_flight_down(self.picked.series);
    }
}

/// Tries beyond the configured ones that connections which went stale may cost.
const STALE_TRIES: u16 = 2;
