//! A second endpoint for a request whose first one takes long: the first answer counts, the other attempt is
//! taken back.
//!
//! Only requests that read (RFC 9110 section 9.2.1) and have no body, so that an attempt that is taken back has changed
//! nothing, and nothing but the answer's end of the client is shared. Whoever has
//! the head of an answer takes that end; the other attempt is dropped before it is polled again, which closes its
//! connection of HTTP/1, resets its stream of HTTP/2, and says nothing of its endpoint.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_http::Framing;
use portunus_snapshot::{Route, UPGRADE};
use portunus_upstream::{AnswerSource, H1Stream, Upstream, UpstreamStream};

use crate::deadline::Deadline;
use crate::phases::connect::{self, Connection};
use crate::phases::request::RequestBodyPlan;
use crate::phases::select::{self, Flight, Tries};
use crate::phases::{receive, relay, response, send};
use crate::protocol::{AnswerSink, ClientStream, RequestBody};
use crate::run::{Attempt, Run, Stop};
use crate::{queue, sticky};

/// How long the first endpoint has for its answer; None where no second one may get the request.
pub(crate) fn delay<C: ClientStream>(
    run: &Run<'_>,
    route: &Route,
    client: &mut C,
    body: &RequestBodyPlan,
) -> Option<Duration> {
    let after = route.retry.hedge_after?;
    let exchange = run.exchange.borrow();
    let is_empty = client.split().0.framing().is_empty()
        && body.whole.as_ref().is_none_or(|whole| whole.is_empty());
    let is_plain =
        exchange.request.method.is_safe() && exchange.attributes.value(UPGRADE).is_none();
    (is_empty && is_plain).then_some(after)
}

/// What an attempt is made for.
pub(crate) struct Request<'a, 'u> {
    pub(crate) route: &'a Route,
    pub(crate) upstream: &'u Arc<Upstream>,
    pub(crate) body: &'a RequestBodyPlan,
    /// How long the first endpoint has.
    pub(crate) after: Duration,
}

/// One attempt, and another one beside it where the first takes long.
pub(crate) async fn attempt<'u, C: ClientStream>(
    run: &'u Run<'_>,
    request: &Request<'_, 'u>,
    client: &mut C,
    tries: &mut Tries<'u>,
) -> Result<(), Stop> {
    let Request { route, upstream, .. } = *request;
    let flight = queue::flight(run, route, upstream, client, tries).await?;
    let whole = client.deadline().clone();
    let race = Race { answer: Cell::new(Some(client.split().1)) };
    let leg =
        |tries, flight, second| leg(run, &race, request, &whole, Leg { tries, flight, second });
    let mut beside = tries.beside();
    let ended = {
        let (mut first, mut none) = (pin!(Some(leg(tries, flight, false))), pin!(None));
        let late = ProxyError::local(ErrorKind::UpstreamBusy);
        let alone = race.run(first.as_mut(), none.as_mut());
        match Deadline::new(&run.local.worker).bound(request.after, late, alone).await {
            Ok(ended) => ended,
            Err(_) => {
                let other = match race.is_won() {
                    true => None,
                    false => another(run, route, upstream, &mut beside),
                };
                let second = other.map(|flight| leg(&beside, flight, true));
                race.run(first, pin!(second)).await
            }
        }
    };
    tries.join(beside);
    ended
}

/// Another endpoint, if there is one to ask and an attempt left. One that the client has a session at has no substitute.
fn another<'u>(
    run: &'u Run<'_>,
    route: &Route,
    upstream: &'u Arc<Upstream>,
    tries: &mut Tries<'u>,
) -> Option<Flight> {
    // Whoever waits for a turn comes before a second one of the same request.
    let is_crowded = upstream.state.queue.waiting() > 0;
    let is_free = !is_crowded && tries.is_left(route) && !tries.stay.is_kept();
    if !is_free || !run.local.affords_retry(upstream) {
        return None;
    }
    let flight = select::flight_elsewhere(run, upstream, tries)?;
    run.local.spend_retry(upstream);
    run.local.shard.hedge(upstream.series);
    Some(flight)
}

/// What is an attempt's own.
struct Leg<'a, 'u> {
    tries: &'a Tries<'u>,
    flight: Flight,
    second: bool,
}

/// One attempt, which goes on past the head of its answer only when it has the first one.
async fn leg<A: AnswerSink>(
    run: &Run<'_>,
    race: &Race<'_, A>,
    request: &Request<'_, '_>,
    whole: &Deadline,
    leg: Leg<'_, '_>,
) -> Result<(), Stop> {
    let tries = leg.tries;
    let ended = converse(run, race, request, whole, leg).await;
    // Of two that fail, the caller is told of one.
    if let Err(Stop::Fail(error)) = &ended {
        tries.failed(*error);
    }
    ended
}

async fn converse<A: AnswerSink>(
    run: &Run<'_>,
    race: &Race<'_, A>,
    request: &Request<'_, '_>,
    whole: &Deadline,
    leg: Leg<'_, '_>,
) -> Result<(), Stop> {
    let Request { route, upstream, body, .. } = *request;
    let Leg { tries, mut flight, second } = leg;
    let picked = &flight.picked().clone();
    let deadline = Deadline::new(&run.local.worker);
    deadline.follow(whole);
    let bounds = &receive::Bounds::new(route, upstream, &deadline);
    let h1_only = tries.is_h1_only();
    let conn = connect::connect(run, route, upstream, picked, h1_only, &deadline).await?;
    flight.connected(run);
    let attempt = Attempt { route, upstream, picked, bounds, body, tries };
    let converse = Converse { run, race, attempt: &attempt, second };
    match conn {
        Connection::H1(mut conn) => {
            let mut stream = H1Stream::new(&mut conn, &run.local.buffers, &upstream.plan.limits);
            let whole = converse.with(&mut stream, flight).await?;
            let reusable = whole && stream.is_reusable();
            connect::rest(run.local, upstream, conn, reusable);
        }
        Connection::H2(session) => {
            let mut stream = session.stream(run.local.worker.now());
            converse.with(&mut stream, flight).await?;
        }
    }
    Ok(())
}

/// An attempt that has its connection.
struct Converse<'a, 'c, A> {
    run: &'a Run<'a>,
    race: &'a Race<'c, A>,
    attempt: &'a Attempt<'a>,
    second: bool,
}

impl<A: AnswerSink> Converse<'_, '_, A> {
    /// Request out, answer in. True when the whole request went out.
    async fn with<U: UpstreamStream>(
        &self,
        stream: &mut U,
        mut flight: Flight,
    ) -> Result<bool, Stop> {
        let Self { run, attempt, .. } = *self;
        let ended = self.answer(stream, &mut flight).await;
        ended.inspect_err(|stop| flight.note_failure(run, attempt.upstream, stop))
    }

    async fn answer<U: UpstreamStream>(
        &self,
        stream: &mut U,
        flight: &mut Flight,
    ) -> Result<bool, Stop> {
        let Self { run, race, attempt, second } = *self;
        let Attempt { route, upstream, picked, bounds, .. } = *attempt;
        let began = run.exchange.borrow().timings.attempt;
        send::head(run, attempt, stream, Framing::None)?;
        let (sink, source) = stream.split();
        let late = ProxyError::upstream(ErrorKind::FirstByteTimeout, Retry::Never);
        let sent = send::bodiless(run, attempt, sink);
        let whole = bounds.deadline.bound(bounds.first_byte, late, sent).await?;
        let head = receive::head::<_, A>(run, bounds, source, None).await?;
        // The other attempt may have begun meanwhile.
        run.exchange.borrow_mut().timings.attempt = began;
        flight.first_byte(run, upstream, head.status);
        attempt.tries.answered(run, &head);
        if select::is_retried(run, attempt, &head) {
            run.exchange.borrow_mut().response = head;
            return Err(ProxyError::upstream(ErrorKind::Reset, Retry::Unsent).into());
        }
        let method = run.exchange.borrow().request.method;
        let framing = source.begin(&head, method)?;
        let answer = race.win()?;
        select::note_choice(run, picked);
        if second {
            run.local.shard.hedge_won(upstream.series);
        }
        let mode = response::response(run, route, head, framing).await?;
        sticky::keep(run, attempt);
        relay::relay(run, route, bounds, mode, framing, source, answer).await?;
        flight.end(run);
        Ok(whole)
    }
}

/// The client's end, until an attempt has an answer for it.
struct Race<'c, A> {
    answer: Cell<Option<&'c mut A>>,
}

impl<'c, A: AnswerSink> Race<'c, A> {
    /// The client's end, for the first that asks. The other one is dropped before it could.
    fn win(&self) -> Result<&'c mut A, ProxyError> {
        self.answer.take().ok_or(ProxyError::local(ErrorKind::Reset))
    }

    fn is_won(&self) -> bool {
        let answer = self.answer.take();
        let is_won = answer.is_none();
        self.answer.set(answer);
        is_won
    }

    /// True when the client has gone while nobody had an answer for it.
    fn is_deserted(&self, cx: &mut Context<'_>) -> bool {
        let answer = self.answer.take();
        let gone = answer.as_ref().is_some_and(|answer| answer.poll_gone(cx));
        self.answer.set(answer);
        gone
    }

    /// Runs both attempts until one has passed its answer on, or all have failed: with the failure of the last one.
    async fn run<F: Future<Output = Result<(), Stop>>>(
        &self,
        mut one: Pin<&mut Option<F>>,
        mut other: Pin<&mut Option<F>>,
    ) -> Result<(), Stop> {
        poll_fn(|cx| {
            for _ in 0..2 {
                if let Some(ended) = self.poll(one.as_mut(), other.as_mut(), cx) {
                    return Poll::Ready(ended);
                }
                std::mem::swap(&mut one, &mut other);
            }
            match self.is_deserted(cx) {
                true => Poll::Ready(Err(ProxyError::client(ErrorKind::ClientClosed).into())),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Polls one attempt, and drops the other one when this one wins. What both have come to, if that is clear.
    fn poll<F: Future<Output = Result<(), Stop>>>(
        &self,
        mut one: Pin<&mut Option<F>>,
        mut other: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Option<Result<(), Stop>> {
        let polled = one.as_mut().as_pin_mut()?.poll(cx);
        if self.is_won() {
            other.set(None);
        }
        let Poll::Ready(ended) = polled else { return None };
        one.set(None);
        other.is_none().then_some(ended)
    }
}
