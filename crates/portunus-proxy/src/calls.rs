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
use portunus_h1::{encode_request, response_framing, wants_keep_alive};
use portunus_http::{Framing, HeaderId, Method, RequestHead, ResponseHead, strip_hop_by_hop};
use portunus_upstream::wire::{BodyReader, ReadBuffer};
use portunus_upstream::{ClientConn, Picked, Received, Upstream, receive_head};

use crate::deadline::Deadline;
use crate::local::Local;
use crate::phases::connect::rest;

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
        let (picked, resolved) = local.pick(upstream, None, &tried);
        let none = if resolved { ErrorKind::NoEndpoint } else { ErrorKind::Unresolved };
        let picked = picked.ok_or_else(|| ProxyError::local(none))?;
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
    let state = &picked.endpoint().state;
    let mut conn = match local.pools.take(state.key()) {
        Some(conn) => conn,
        None => ClientConn::open(&picked.endpoint().address, state).await?,
    };
    conn.read = ReadBuffer::new(local.buffers.take());
    let reused = conn.reused;
    let mut head = ResponseHead::default();
    let (io, read) = conn.parts();
    // A connection that went stale may have taken a request all the same.
    let again = reused && request.head.method.is_idempotent();
    let retry = if again { Retry::Replayable } else { Retry::Never };
    let reset = ProxyError::upstream(ErrorKind::Reset, retry);
    write(io, request).await.map_err(|_| reset)?;
    loop {
        match receive_head(io, read, &upstream.plan.limits, &mut head).await? {
            Received::Head if head.is_interim() => {}
            Received::Head if head.status == 101 => {
                let kind = ErrorKind::BadResponse("unasked_upgrade");
                return Err(ProxyError::upstream(kind, Retry::Never));
            }
            Received::Head => break,
            Received::Nothing | Received::Cut => return Err(reset),
        }
    }
    let (answer, reusable) = body(upstream, head, request, &mut conn).await?;
    rest(local, upstream, conn, reusable);
    Ok(answer)
}

async fn write(io: &portunus_net::Io, request: &CallRequest) -> std::io::Result<()> {
    let length = request.body.len() as u64;
    let framing = if length == 0 { Framing::None } else { Framing::Length(length) };
    let mut out = Vec::new();
    encode_request(&request.head, framing, &mut out);
    io.write_both(&out, &request.body).await
}

/// Reads the answer's body, up to the bound of the request; the connection is good when all of it was read.
async fn body(
    upstream: &Upstream,
    mut head: ResponseHead,
    request: &CallRequest,
    conn: &mut ClientConn,
) -> Result<(CallAnswer, bool), ProxyError> {
    let bad = |fault: portunus_h1::H1Error| {
        ProxyError::upstream(ErrorKind::BadResponse(fault.code()), Retry::Never)
    };
    let framing = response_framing(&head, request.head.method).map_err(bad)?;
    let keep = wants_keep_alive(head.version, &head.headers) && framing != Framing::Close;
    strip_hop_by_hop(&mut head.headers);
    head.headers.remove_id(HeaderId::ContentLength);
    let mut answer = CallAnswer { status: head.status, headers: head.headers, body: Vec::new() };
    let mut reader = BodyReader::new(framing, &upstream.plan.limits);
    let (io, read) = conn.parts();
    loop {
        let piece = reader.next(io, read).await;
        let piece = piece.map_err(|_| ProxyError::upstream(ErrorKind::Truncated, Retry::Never))?;
        let piece = read.piece(piece);
        if piece.is_empty() {
            return Ok((answer, keep && read.is_empty()));
        }
        let room = request.answer_bytes_max - answer.body.len();
        answer.body.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if piece.len() > room && request.head.method != Method::Head {
            return Ok((answer, false));
        }
    }
}

/// Endpoints that one call may try.
const TRIES_MAX: u32 = 3;
/// Copies under way on one worker.
const MIRRORS_MAX: usize = 256;
/// Bound on one copy and its answer.
const MIRROR_TIMEOUT: Duration = Duration::from_secs(10);
