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
use crate::grpc;
use crate::phases::receive::unless;
use crate::phases::relay;
use crate::phases::replay::Replay;
use crate::protocol::{AnswerSink, ClientStream};
use crate::queue::{self, Admitted};
use crate::run::{Attempt, Run, Stop};
use crate::sticky::{self, Stay};

/// The endpoints that had the request.
#[derive(Debug, Default)]
pub(crate) struct Tries<'u> {
    tried: Tried,
    count: u16,
    h1_only: bool,
    /// Where the client stays.
    pub(crate) stay: Stay,
    /// What the upstream's breaker is told by, where it has one.
    pass: Option<Pass<'u>>,
    /// An answer was thrown away for another try; how long it asked to wait, where that is heeded.
    thrown_away: Cell<Option<Duration>>,
}

impl<'u> Tries<'u> {
    /// For an attempt beside the last one.
    pub(crate) fn beside(&self) -> Self {
        let Self { count, h1_only, stay, .. } = *self;
        Self { tried: self.tried.clone(), count, h1_only, stay, ..Self::default() }
    }

    /// Takes over what an attempt beside the last one has come to.
    pub(crate) fn join(&mut self, beside: Self) {
        self.tried = beside.tried;
        self.count = beside.count;
        let thrown_away = beside.thrown_away.get().or_else(|| self.thrown_away.get());
        self.thrown_away.set(thrown_away);
    }

    /// Another attempt is within the route's number of them.
    pub(crate) fn is_left(&self, route: &Route) -> bool {
        self.count <= route.retry.attempts
    }

    /// There is no answer.
    pub(crate) fn failed(&self, error: ProxyError) {
        if let Some(pass) = &self.pass {
            pass.failed(error);
        }
    }

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

/// Gives the request to an endpoint for the next attempt.
pub(crate) fn flight<'u>(
    run: &'u Run<'_>,
    upstream: &'u Arc<Upstream>,
    tries: &mut Tries<'u>,
) -> Result<Flight, ProxyError> {
    begin(run, upstream, tries, true)
}

/// The same, beside an attempt that is under way; None where no endpoint that was not tried can take it now.
pub(crate) fn flight_elsewhere<'u>(
    run: &'u Run<'_>,
    upstream: &'u Arc<Upstream>,
    tries: &mut Tries<'u>,
) -> Option<Flight> {
    let phase = run.exchange.borrow().phase;
    let flight = begin(run, upstream, tries, false).ok();
    if flight.is_none() {
        run.enter(phase);
    }
    flight
}

/// `again` allows an endpoint that was tried.
fn begin<'u>(
    run: &'u Run<'_>,
    upstream: &'u Arc<Upstream>,
    tries: &mut Tries<'u>,
    again: bool,
) -> Result<Flight, ProxyError> {
    run.enter(Phase::Select);
    let pass = breaker::ask(run, upstream)?;
    if !Admitted::has_room(upstream) {
        return Err(ProxyError::local(ErrorKind::UpstreamOverloaded));
    }
    let picked = endpoint(run, upstream, tries, again)?;
    let admitted =
        Admitted::begin(upstream).inspect_err(|_| picked.end(None, run.local.worker.now()))?;
    tries.pass = pass;
    tries.tried.insert(picked.endpoint().state.key());
    tries.count += 1;
    run.exchange.borrow_mut().attempts = tries.count;
    note_choice(run, &picked);
    Ok(Flight::begun(run, picked, admitted))
}

/// The answer is to be this endpoint's.
pub(crate) fn note_choice(run: &Run<'_>, picked: &Picked) {
    run.exchange.borrow_mut().endpoint_name = Some(Rc::clone(&picked.name));
    run.endpoint.set(Some(picked.series));
}

/// The endpoint for the next attempt, where the request counts as under way by this.
fn endpoint(
    run: &Run<'_>,
    upstream: &Arc<Upstream>,
    tries: &mut Tries<'_>,
    again: bool,
) -> Result<Picked, ProxyError> {
    let plan = &upstream.plan;
    let mut stay = sticky::endpoint(run, upstream, &mut tries.stay);
    loop {
        let picked = match stay.take() {
            Some(picked) => picked,
            None => pick(run, upstream, &tries.tried, again)?,
        };
        let state = &picked.endpoint().state;
        match plan.requests_max.map(|_| upstream.state.limits.requests_max()) {
            // Another worker may have been faster.
            Some(max) if !state.begin_below(max) => {}
            Some(_) => return Ok(picked),
            None => {
                state.begin();
                return Ok(picked);
            }
        }
    }
}

/// An endpoint that has room. `again` allows one that was tried.
fn pick(
    run: &Run<'_>,
    upstream: &Arc<Upstream>,
    tried: &Tried,
    again: bool,
) -> Result<Picked, ProxyError> {
    let plan = &upstream.plan;
    let key = plan.balancer.key().and_then(|source| key(&run.exchange.borrow(), source));
    let has_room = queue::has_room(run.local, upstream);
    let has_room = has_room.as_ref().map(|has_room| has_room as &dyn Fn(&_) -> bool);
    let picked = run.local.pick(upstream, key, tried, has_room)?;
    match again || !tried.contains(picked.endpoint().state.key()) {
        true => Ok(picked),
        false => Err(ProxyError::local(ErrorKind::NoEndpoint)),
    }
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
    tries.failed(error);
    // A connection that went stale is no reason to end a session, but only one.
    if tries.count > 1 || tries.thrown_away.get().is_some() || !breaker::is_blameless(error) {
        tries.stay.leave();
    }
    let started = client.split().1.is_started();
    let over_h1 = error.retry == Retry::OverH1;
    let in_vain = over_h1 && (tries.h1_only || upstream.plan.http == HttpVersion::H2);
    if started || in_vain || replay.is_lost() || !is_wanted(run, route, error) {
        return false;
    }
    // A connection that the upstream closed while it lay unused is no failure of the upstream's.
    let stale = error.retry == Retry::Replayable;
    // Another request took the last connection, between the choice of the endpoint and this one's turn to open one.
    let outrun = error.kind == ErrorKind::UpstreamBusy && upstream.plan.queue.is_some();
    let tries_max = route.retry.attempts
        + u16::from(stale) * STALE_TRIES
        + u16::from(outrun) * OUTRUN_TRIES
        + u16::from(over_h1);
    let is_free = outrun || breaker::is_blameless(error) && tries.thrown_away.get().is_none();
    let again = tries.count <= tries_max && (is_free || run.local.spend_retry(upstream));
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
        // What it sent is no answer. One that was only too large would be so again.
        ErrorKind::BadResponse(code) => on.reset && idempotent && code != relay::TOO_LARGE,
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
    let retried = replayable
        && run.local.affords_retry(upstream)
        && is_room_left(run, upstream, &tries.tried, by_grpc);
    tries.thrown_away.set(retried.then(|| retry_after(route, head)));
    retried
}

/// Whether the next attempt would be let in now, and find an endpoint. `again` allows one that was tried.
fn is_room_left(run: &Run<'_>, upstream: &Arc<Upstream>, tried: &Tried, again: bool) -> bool {
    upstream.state.queue.waiting() == 0
        && breaker::ask(run, upstream).is_ok()
        && Admitted::has_room(upstream)
        && pick(run, upstream, tried, again).is_ok()
}

/// How long an answer asks to wait, where that is heeded. Dates are not: they are as exact as a second at best.
fn retry_after(route: &Route, head: &ResponseHead) -> Duration {
    let text =
        head.headers.value_of(HeaderId::RetryAfter).and_then(|text| std::str::from_utf8(text).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    seconds.filter(|wait| *wait <= route.retry.retry_after_max).unwrap_or_default()
}

/// Waits before the next attempt after this failure, where the route or the answer asks for that.
pub(crate) async fn pause<C: ClientStream>(
    run: &Run<'_>,
    route: &Route,
    client: &mut C,
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
    let deadline = client.deadline().clone();
    let answer = client.split().1;
    let waiting = unless(|cx| answer.poll_left(cx), std::future::pending::<()>());
    match deadline.bound(wait, over, waiting).await {
        Ok(left) => left,
        Err(error) if error == over => Ok(()),
        Err(error) => Err(error),
    }
}

/// A request at an endpoint; counted there for as long as this lives.
pub(crate) struct Flight {
    picked: Picked,
    latency_us: Option<u64>,
    /// The answer's head was taken note of as a good result, and what [`Picked::observe_head`] gave for it.
    good: Option<u32>,
    admitted: Option<Box<Admitted>>,
    local: Rc<crate::local::Local>,
}

impl Flight {
    fn begun(run: &Run<'_>, picked: Picked, admitted: Option<Box<Admitted>>) -> Self {
        run.local.shard.in_flight_up(picked.series);
        Self { picked, latency_us: None, good: None, admitted, local: Rc::clone(run.local) }
    }

    /// The endpoint.
    pub(crate) fn picked(&self) -> &Picked {
        &self.picked
    }

    /// There is a connection: what passes now is the endpoint's time.
    pub(crate) fn connected(&mut self, run: &Run<'_>) {
        let now = run.local.worker.now();
        run.exchange.borrow_mut().timings.attempt = now;
        self.admitted.iter_mut().for_each(|admitted| admitted.connected(now));
    }

    /// The head of the answer is there.
    pub(crate) fn first_byte(&mut self, run: &Run<'_>, upstream: &Upstream, status: u16) {
        let now = run.local.worker.refresh();
        let mut exchange = run.exchange.borrow_mut();
        exchange.timings.first_byte = now;
        let latency_us = now.since_us(exchange.timings.attempt);
        self.latency_us = Some(latency_us);
        if let Some(admitted) = &mut self.admitted {
            // How long a download, a stream or a tunnel lasts says nothing about load.
            admitted.answered(latency_us, status);
            self.land();
            self.picked.call_next();
        }
        self.picked.note_latency(latency_us, &upstream.plan);
        self.good = self.picked.observe_head(status, &upstream.plan, now);
    }

    /// Takes note of an endpoint that had the request and gave no whole answer: one result for each exchange, so a head
    /// that was good is no good result any more, and one that was bad is counted already. A connection that went stale
    /// while it lay unused, and a request that was refused unread, tell nothing of the endpoint.
    pub(crate) fn note_failure(&self, run: &Run<'_>, upstream: &Upstream, stop: &Stop) {
        let Stop::Fail(error) = stop else { return };
        if error.side != Side::Upstream || error.retry != Retry::Never {
            return;
        }
        let now = run.local.worker.refresh();
        match (self.latency_us, self.good) {
            (None, _) => self.picked.observe(Outcome::Failed, &upstream.plan, now),
            (Some(latency_us), Some(ended)) => {
                self.picked.observe_break(ended, latency_us, &upstream.plan, now);
            }
            (Some(_), None) => {}
        }
    }

    /// It counts no more for an adaptive limit.
    fn land(&mut self) {
        if let Some(admitted) = self.admitted.take() {
            admitted.end(&self.local);
        }
    }

    /// The answer is whole.
    pub(crate) fn end(&self, run: &Run<'_>) {
        run.exchange.borrow_mut().timings.end = run.local.worker.refresh();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.land();
        self.picked.end(self.latency_us, self.local.worker.now());
        self.local.shard.in_flight_down(self.picked.series);
    }
}

/// Tries beyond the configured ones that connections which went stale may cost.
const STALE_TRIES: u16 = 2;
/// The same for connections that others were faster to open.
const OUTRUN_TRIES: u16 = 8;
