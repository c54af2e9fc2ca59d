//! Calls of our own: what filters ask of other services, and copies for a mirror. Over the worker's own pools.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_balance::Tried;
use portunus_base::UpstreamId;
use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_filter::{CallAnswer, CallRequest, Calls, LocalFuture};
use portunus_http::{Framing, HeaderId, RequestHead, ResponseHead, strip_hop_by_hop};
use portunus_upstream::{
    AnswerSource, H1Stream, Picked, RequestSink, Step, Upstream, UpstreamStream,
};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::phases::connect::{self, Connection};

/// Makes calls on behalf of filters.
pub(crate) struct Caller {
    local: Rc<Local>,
}

impl Caller {
    pub(crate) fn new(local: &Rc<Local>) -> Self {
        Self { local: Rc::clone(local) }
    }
}

impl Calls for Caller {
    fn call(&self, request: CallRequest) -> LocalFuture<Result<CallAnswer, ProxyError>> {
        let local = Rc::clone(&self.local);
        Box::pin(async move { call(&local, request).await })
    }
}

/// Sends a copy of a request to a mirror, and forgets about it. Copies beyond a bound are left out, so that a slow
/// mirror costs no memory.
pub(crate) fn mirror(local: &Rc<Local>, upstream: UpstreamId, head: RequestHead, body: Bytes) {
    let Some(copy) = Copy::begin() else { return };
    let local = Rc::clone(local);
    let task = Rc::clone(&local);
    local.worker.spawn(async move {
        let timeout = MIRROR_TIMEOUT;
        let request = CallRequest { upstream, head, body, timeout, answer_bytes_max: 0 };
        // Whatever the mirror says, the client has its answer from elsewhere.
        let _ = call(&task, request).await;
        drop(copy);
    });
}

/// One of the copies under way on this worker.
struct Copy;

impl Copy {
    fn begin() -> Option<Self> {
        let count = COPIES.get();
        (count < MIRRORS_MAX).then(|| {
            COPIES.set(count + 1);
            Self
        })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        COPIES.set(COPIES.get().saturating_sub(1));
    }
}

thread_local! {
    static COPIES: Cell<usize> = const { Cell::new(0) };
}

async fn call(local: &Rc<Local>, request: CallRequest) -> Result<CallAnswer, ProxyError> {
    let deadline = Deadline::new(&local.worker);
    let late = ProxyError::upstream(ErrorKind::RequestTimeout, Retry::Never);
    deadline.bound(request.timeout, late, tries(local, &request)).await?
}

/// One try, and another one where a connection turned out to be stale or refused.
async fn tries(local: &Rc<Local>, request: &CallRequest) -> Result<CallAnswer, ProxyError> {
    let plan = local.plan();
    let upstream = plan.snapshot.upstream(request.upstream);
    let upstream = upstream.ok_or(ProxyError::local(ErrorKind::NoEndpoint))?;
    let mut tried = Tried::new();
    loop {
        let picked = local.pick(upstream, None, &tried, None)?;
        tried.insert(picked.endpoint().state.key());
        match attempt(local, upstream, &picked, request).await {
            Err(error) if error.retry != Retry::Never && tried.count() < TRIES_MAX => {}
            done => return done,
        }
    }
}

async fn attempt(
    local: &Rc<Local>,
    upstream: &Arc<Upstream>,
    picked: &Picked,
    request: &CallRequest,
) -> Result<CallAnswer, ProxyError> {
    match connect::acquire(local, upstream, picked).await? {
        Connection::H1(mut conn) => {
            let mut stream = H1Stream::new(&mut conn, &local.buffers, &upstream.plan.limits);
            let asked = ask(&mut stream, request).await;
            let (answer, whole) = asked.map_err(|error| once_more(error, request))?;
            let reusable = whole && stream.is_reusable();
            connect::rest(local, upstream, conn, reusable);
            Ok(answer)
        }
        Connection::H2(session) => {
            let asked = ask(&mut session.stream(local.worker.now()), request).await;
            asked.map(|(answer, _)| answer).map_err(|error| once_more(error, request))
        }
    }
}

/// A connection that went stale may have taken a request all the same.
fn once_more(error: ProxyError, request: &CallRequest) -> ProxyError {
    match error.retry {
        Retry::OverH1 => ProxyError { retry: Retry::Never, ..error },
        Retry::Replayable if !request.head.method.is_idempotent() => {
            ProxyError { retry: Retry::Never, ..error }
        }
        _ => error,
    }
}

/// The answer to a request, and whether all of the request went out before.
async fn ask<U: UpstreamStream>(
    stream: &mut U,
    request: &CallRequest,
) -> Result<(CallAnswer, bool), ProxyError> {
    let length = request.body.len() as u64;
    let framing = if length == 0 { Framing::None } else { Framing::Length(length) };
    stream.begin(&request.head, framing, None)?;
    let (sink, source) = stream.split();
    let sent = send(sink, &request.body).await;
    sink.finish();
    let mut head = ResponseHead::default();
    loop {
        // An upstream that takes no request may have an answer.
        source.head(&mut head).await?;
        match head.status {
            101 => {
                let kind = ErrorKind::BadResponse("unasked_upgrade");
                return Err(ProxyError::upstream(kind, Retry::Never));
            }
            _ if head.is_interim() => {}
            _ => return Ok((answer(source, head, request).await?, sent.is_ok())),
        }
    }
}

async fn send<S: RequestSink>(sink: &mut S, body: &[u8]) -> std::io::Result<()> {
    sink.body(body).await?;
    sink.end(None);
    sink.flush().await
}

/// Reads the answer's body, up to the bound of the request.
async fn answer<S: AnswerSource>(
    source: &mut S,
    mut head: ResponseHead,
    request: &CallRequest,
) -> Result<CallAnswer, ProxyError> {
    source.begin(&head, request.head.method)?;
    strip_hop_by_hop(&mut head.headers);
    head.headers.remove_id(HeaderId::ContentLength);
    let mut answer =
        CallAnswer { status: head.status, headers: head.headers, ..CallAnswer::default() };
    loop {
        match source.step()? {
            Step::Piece(piece) => {
                let room = request.answer_bytes_max - answer.body.len();
                answer.body.extend_from_slice(piece.get(..room).unwrap_or(piece));
                if piece.len() > room {
                    return Ok(answer);
                }
            }
            Step::Starved => source.fill().await?,
            Step::End => {
                answer.trailers = source.trailers().cloned().unwrap_or_default();
                return Ok(answer);
            }
        }
    }
}

/// Endpoints that one call may try.
const TRIES_MAX: u32 = 3;
/// Copies under way on one worker.
const MIRRORS_MAX: usize = 256;
/// Bound on one copy and its answer.
const MIRROR_TIMEOUT: Duration = Duration::from_secs(10);
