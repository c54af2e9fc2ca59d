//! One exchange through its phases: the one place that branches between them.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Reply, Retry};
use portunus_http::Framing;
use portunus_snapshot::Route;
use portunus_telemetry::{EndpointSeries, ListenerSeries, RouteSeries, Shard, UpstreamSeries};
use portunus_upstream::{AnswerSource, H1Stream, Picked, Upstream, UpstreamStream};

use crate::local::{Local, Plan};
use crate::phases::connect::Connection;
use crate::phases::route::Served;
use crate::phases::{
    admit, connect, finish, receive, relay, request, response, route, select, send,
};
use crate::protocol::{ClientStream, RequestBody};
use crate::{grpc, hedge, queue, reply, sticky, tunnel};

/// An exchange under way.
pub(crate) struct Run<'r> {
    pub(crate) local: &'r Rc<Local>,
    /// Borrowed only between waits: filters, the request's way and the answer's way take turns.
    pub(crate) exchange: &'r RefCell<Exchange>,
    /// The plan that the exchange began with.
    pub(crate) plan: Rc<Plan>,
    /// The series of the endpoint that got the request last.
    pub(crate) endpoint: Cell<Option<EndpointSeries>>,
    /// The client wants to send more requests on its connection.
    pub(crate) keep_wanted: bool,
    /// The request tells of its way here.
    pub(crate) described: Cell<bool>,
    /// It is settled whether the request is mirrored: a copy has gone out, or none will.
    pub(crate) mirrored: Cell<bool>,
    /// What counts the exchange as under way.
    pub(crate) gauges: Gauges<'r>,
}

/// The gauges that count an exchange as under way; it leaves them however it ends.
pub(crate) struct Gauges<'r> {
    shard: &'r Shard,
    listener: Cell<Option<ListenerSeries>>,
    route: Cell<Option<RouteSeries>>,
    upstream: Cell<Option<UpstreamSeries>>,
}

/// Why the way through the phases ends early.
pub(crate) enum Stop {
    /// With an answer of our own.
    Reply(Box<Reply>),
    /// With a failure.
    Fail(ProxyError),
}

impl From<ProxyError> for Stop {
    fn from(error: ProxyError) -> Self {
        Self::Fail(error)
    }
}

/// Runs one exchange. `refused` is the fault of a request that could not be read. True when the client's connection
/// is fit for another one, as far as the exchange can tell.
pub(crate) async fn run<C: ClientStream>(
    local: &Rc<Local>,
    exchange: &RefCell<Exchange>,
    client: &mut C,
    refused: Option<ProxyError>,
    keep_wanted: bool,
) -> bool {
    let gauges = Gauges::new(&local.shard);
    let plan = local.plan();
    let (endpoint, described, mirrored) = (Cell::new(None), Cell::default(), Cell::default());
    let run = Run { local, exchange, plan, endpoint, keep_wanted, described, mirrored, gauges };
    let listener = exchange.borrow().client.listener;
    if let Some(listener) = run.plan.snapshot.listener(listener) {
        run.gauges.enter_listener(listener.series);
    }
    let mut served = None;
    let ended = match refused {
        Some(error) => Err(Stop::Fail(error)),
        None => phases(&run, client, &mut served).await,
    };
    let ended = match ended {
        Ok(()) => Ok(()),
        Err(stop) => reply::answer(&run, served.as_ref().map(Served::chain), client, stop).await,
    };
    finish::finish(&run, served.as_ref(), ended.err());
    ended.is_ok()
}

/// The life of a request.
async fn phases<C: ClientStream>(
    run: &Run<'_>,
    client: &mut C,
    served: &mut Option<Served>,
) -> Result<(), Stop> {
    admit::admit(run)?;
    let route = match served.insert(route::route(run)?) {
        Served::Route(route) => &**route,
        Served::Unrouted(chain, missed) => {
            return Err(route::unrouted(run, chain, missed, client).await);
        }
    };
    client.deadline().set_total(total(run, route));
    if let Some(idle) = route.timeouts.idle {
        client.set_idle(idle);
    }
    let body = request::request(run, route, client).await?;
    let upstream = select::upstream(run, route)?;
    let mut tries = select::Tries::default();
    loop {
        let ended = match hedge::delay(run, route, client, &body) {
            None => attempt(run, route, upstream, client, &body, &mut tries).await,
            Some(after) => {
                let request = hedge::Request { route, upstream, body: &body, after };
                // Rare: it need not be part of every exchange's memory.
                Box::pin(hedge::attempt(run, &request, client, &mut tries)).await
            }
        };
        match ended {
            Err(Stop::Fail(error))
                if select::try_again(
                    run,
                    route,
                    upstream,
                    client,
                    &body.replay,
                    &mut tries,
                    error,
                ) =>
            {
                select::pause(run, route, client, &tries, error).await?;
            }
            ended => return ended,
        }
    }
}

/// The bound on the exchange: the route's, or what a gRPC client says, whichever is shorter.
fn total(run: &Run<'_>, route: &Route) -> Option<Duration> {
    let asked = grpc::timeout(&run.exchange.borrow().request);
    route.timeouts.request.into_iter().chain(asked).min()
}

/// Chooses an endpoint, connects to it, and has the exchange with it.
async fn attempt<'u, C: ClientStream>(
    run: &'u Run<'_>,
    route: &Route,
    upstream: &'u Arc<Upstream>,
    client: &mut C,
    body: &request::RequestBodyPlan,
    tries: &mut select::Tries<'u>,
) -> Result<(), Stop> {
    // From here on, so that limits and balancers see those too who wait for a connection.
    let mut flight = queue::flight(run, route, upstream, client, tries).await?;
    let picked = flight.picked().clone();
    let bounds = receive::Bounds::new(route, upstream, client.deadline());
    let h1_only = tries.is_h1_only();
    let conn = connect::connect(run, route, upstream, &picked, h1_only, &bounds.deadline).await?;
    flight.connected(run);
    let attempt = Attempt { route, upstream, picked: &picked, bounds: &bounds, body, tries };
    match conn {
        Connection::H1(mut conn) => {
            let mut stream = H1Stream::new(&mut conn, &run.local.buffers, &upstream.plan.limits);
            let whole = converse(run, &attempt, client, &mut stream, flight).await?;
            let reusable = whole && stream.is_reusable();
            connect::rest(run.local, upstream, conn, reusable);
        }
        Connection::H2(session) => {
            let mut stream = session.stream(run.local.worker.now());
            converse(run, &attempt, client, &mut stream, flight).await?;
        }
    }
    Ok(())
}

/// One attempt at one endpoint.
pub(crate) struct Attempt<'a> {
    pub(crate) route: &'a Route,
    pub(crate) upstream: &'a Arc<Upstream>,
    pub(crate) picked: &'a Picked,
    pub(crate) bounds: &'a receive::Bounds,
    /// What is sent as the request's body.
    pub(crate) body: &'a request::RequestBodyPlan,
    /// The endpoints that had the request, this one included.
    pub(crate) tries: &'a select::Tries<'a>,
}

/// How an answer came out.
enum Ended {
    /// The client has it. Whether the whole request went out before.
    Answered { whole: bool },
    /// It is the head of a `101`; the rest is a tunnel's, which counts at the endpoint for as long as it lives.
    Switched,
}

/// Request out, answer in, and what comes after a switch of protocols. True when the whole request went out and its
/// answer came.
async fn converse<C: ClientStream, U: UpstreamStream>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    client: &mut C,
    stream: &mut U,
    mut flight: select::Flight,
) -> Result<bool, Stop> {
    let framing = send::head(run, attempt, stream, client.split().0.framing())?;
    let ended = both_ways(run, attempt, client, stream, framing, &mut flight).await;
    match ended.inspect_err(|stop| flight.note_failure(run, attempt.upstream, stop))? {
        Ended::Answered { whole } => Ok(whole),
        Ended::Switched => {
            let deadline = &attempt.bounds.deadline;
            tunnel::switch(run, &attempt.route.timeouts, deadline, client, stream).await?;
            Ok(false)
        }
    }
}

/// The rest of the request and its answer: both at once, for an answer may come before the request has ended.
async fn both_ways<C: ClientStream, U: UpstreamStream>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    client: &mut C,
    stream: &mut U,
    framing: Framing,
    flight: &mut select::Flight,
) -> Result<Ended, Stop> {
    let Attempt { route, bounds, .. } = *attempt;
    let method = run.exchange.borrow().request.method;
    let (body, answer) = client.split();
    let (sink, source) = stream.split();
    let keep = U::REFUSES || !route.retry.on.grpc.is_empty();
    let sending = pin!(send::body(run, attempt, sink, framing, body, keep));
    let mut upload = Upload { sending, ended: None };
    let head = receive::head(run, bounds, source, Some(&mut *answer));
    let head = beside(&mut upload, head).await??;
    flight.first_byte(run, attempt.upstream, head.status);
    attempt.tries.answered(run, &head);
    if select::is_retried(run, attempt, &head) {
        run.exchange.borrow_mut().response = head;
        return Err(ProxyError::upstream(ErrorKind::Reset, Retry::Unsent).into());
    }
    if head.status == 101 {
        run.exchange.borrow_mut().response = head;
        sticky::keep(run, attempt);
        return Ok(Ended::Switched);
    }
    let framing = source.begin(&head, method)?;
    let mode = response::response(run, route, head, framing).await?;
    sticky::keep(run, attempt);
    let relaying = relay::relay(run, route, bounds, mode, framing, source, answer);
    beside(&mut upload, relaying).await??;
    flight.end(run);
    Ok(Ended::Answered { whole: upload.is_whole() })
}

/// The request on its way, while the answer is waited for and passed on.
struct Upload<'u, U> {
    sending: Pin<&'u mut U>,
    /// Whether all of it went out, once it has ended.
    ended: Option<bool>,
}

impl<U> Upload<'_, U> {
    fn is_whole(&self) -> bool {
        self.ended == Some(true)
    }
}

/// Runs `main` to its end with the upload beside it. Only a fault of the client's side ends both: an upstream that
/// stops taking the request may still have an answer.
async fn beside<U, M>(upload: &mut Upload<'_, U>, main: M) -> Result<M::Output, ProxyError>
where
    U: Future<Output = Result<bool, ProxyError>>,
    M: Future,
{
    let mut main = pin!(main);
    std::future::poll_fn(|cx| {
        if upload.ended.is_none() {
            match upload.sending.as_mut().poll(cx) {
                Poll::Ready(Ok(whole)) => upload.ended = Some(whole),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        main.as_mut().poll(cx).map(Ok)
    })
    .await
}

impl<'r> Gauges<'r> {
    fn new(shard: &'r Shard) -> Self {
        let (listener, route, upstream) = (Cell::new(None), Cell::new(None), Cell::new(None));
        Self { shard, listener, route, upstream }
    }

    fn enter_listener(&self, series: ListenerSeries) {
        self.shard.in_flight_up(series);
        self.listener.set(Some(series));
    }

    pub(crate) fn enter_route(&self, series: RouteSeries) {
        self.shard.in_flight_up(series);
        self.route.set(Some(series));
    }

    pub(crate) fn enter_upstream(&self, series: UpstreamSeries) {
        self.shard.in_flight_up(series);
        self.upstream.set(Some(series));
    }

    /// The exchange is over.
    pub(crate) fn leave(&self) {
        self.listener.take().into_iter().for_each(|series| self.shard.in_flight_down(series));
        self.route.take().into_iter().for_each(|series| self.shard.in_flight_down(series));
        self.upstream.take().into_iter().for_each(|series| self.shard.in_flight_down(series));
    }
}

impl Drop for Gauges<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Run<'_> {
    /// Notes where the exchange stands.
    pub(crate) fn enter(&self, phase: Phase) {
        self.exchange.borrow_mut().phase = phase;
    }
}
