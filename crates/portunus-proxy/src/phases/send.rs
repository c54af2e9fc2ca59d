//! The request goes out.

use std::borrow::Cow;

use bytes::Bytes;
use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Retry};
use portunus_filter::Way;
use portunus_http::{Framing, Header, HeaderId, HeaderList};
use portunus_snapshot::{Route, UPGRADE};
use portunus_upstream::{HttpVersion, Picked, RequestSink, UpstreamStream};

use crate::deadline::Deadline;
use crate::phases::filters;
use crate::phases::request::count;
use crate::protocol::RequestBody;
use crate::run::{Attempt, Run, Stop};
use crate::{calls, grpc, websocket};

/// Begins the request: its head, on its way with the first bytes of its body. How the body is framed.
pub(crate) fn head<U: UpstreamStream>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    stream: &mut U,
    client_framing: Framing,
) -> Result<Framing, ProxyError> {
    let Attempt { route, picked, .. } = *attempt;
    let mut exchange = run.exchange.borrow_mut();
    exchange.phase = Phase::Send;
    let framing = match (&attempt.body.whole, attempt.body.streamed) {
        (Some(whole), _) if whole.is_empty() => Framing::None,
        (Some(whole), _) => Framing::Length(whole.len() as u64),
        // A filter may change the length.
        (None, true) if !client_framing.is_empty() => Framing::Chunked,
        (None, _) => client_framing,
    };
    describe_way(&mut exchange, route, picked, run.described.replace(true));
    if let Some(left) = attempt.bounds.deadline.left().filter(|_| grpc::is_grpc(&exchange.request))
    {
        grpc::set_timeout(left, &mut exchange.request.headers);
    }
    if exchange.attributes.value(UPGRADE).is_some_and(websocket::is_websocket) {
        let random = run.local.worker.random(|rng| [rng.u64(), rng.u64()]);
        websocket::add_key(&mut exchange.request, random);
    }
    let upgrade = exchange.attributes.value(UPGRADE).filter(|_| route.upgrade);
    stream.begin(&exchange.request, framing, upgrade)?;
    Ok(framing)
}

/// `Via`, `Host` and `Forwarded`: what the upstream learns of the way here.
fn describe_way(exchange: &mut Exchange, route: &Route, picked: &Picked, described: bool) {
    if !described {
        let version = exchange.request.version.number();
        let mut via = [0u8; 16];
        let text = format_via(&mut via, version);
        exchange.request.headers.append_id(HeaderId::Via, text);
        if grpc::is_grpc(&exchange.request) {
            // Servers refuse to serve without it (PROTOCOL-HTTP2.md of gRPC).
            exchange.request.headers.set_id(HeaderId::Te, b"trailers");
        }
        if route.forwarded {
            let value = forwarded(exchange);
            exchange.request.headers.append_id(HeaderId::Forwarded, &value);
        }
    }
    // A request of HTTP/1.0 may come without a host.
    if !route.preserve_host || exchange.request.authority().is_empty() {
        let authority = &picked.endpoint().authority;
        exchange.request.headers.set_id(HeaderId::Host, authority.as_bytes());
    }
}

fn format_via<'b>(buffer: &'b mut [u8; 16], version: &str) -> &'b [u8] {
    let parts = version.bytes().chain(*b" portunus");
    let mut len = 0;
    for (place, byte) in buffer.iter_mut().zip(parts) {
        *place = byte;
        len += 1;
    }
    buffer.get(..len).unwrap_or(&[])
}

/// One element of `Forwarded` (RFC 7239 section 4).
fn forwarded(exchange: &Exchange) -> Vec<u8> {
    let peer = match exchange.client.peer.ip() {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => format!("\"[{v6}]\""),
    };
    let scheme = exchange.client.scheme.text();
    let mut value = format!("for={peer};proto={scheme};host=\"").into_bytes();
    let host = exchange.request.headers.value_of(HeaderId::Host).unwrap_or(b"");
    value.extend(host.iter().filter(|byte| !matches!(byte, b'"' | b'\\')));
    value.push(b'"');
    value
}

/// Sends the request, body and all. False when the upstream stopped taking it: its answer may still come.
///
/// # Errors
/// The client's side failed.
pub(crate) async fn body<S: RequestSink, B: RequestBody>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    sink: &mut S,
    framing: Framing,
    body: &mut B,
    keep: bool,
) -> Result<bool, ProxyError> {
    let plan = attempt.body;
    // What a client says of itself is not enough: only upstreams of HTTP/2 serve gRPC.
    if attempt.upstream.plan.http == HttpVersion::H2
        && grpc::is_grpc(&run.exchange.borrow().request)
    {
        body.converse();
    }
    let mut tee = Tee::new(run, attempt.route, framing);
    let whole = match &plan.whole {
        Some(whole) => {
            tee.keep(whole);
            let sent = sink.body(whole).await.is_ok();
            sink.end(None);
            sent
        }
        None if plan.replay.again(sink, |bytes| tee.keep(bytes)).await.is_err() => false,
        None if body.is_end() => {
            sink.end(trailers(attempt, body).as_deref());
            true
        }
        None => relay(run, attempt, sink, body, &mut tee, keep).await?,
    };
    let sent = whole && sink.flush().await.is_ok();
    sink.finish();
    if sent {
        tee.send(run);
    }
    Ok(sent)
}

/// Sends a request that has no body. False when the upstream did not take it: its answer may still come.
pub(crate) async fn bodiless<S: RequestSink>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    sink: &mut S,
) -> bool {
    let tee = Tee::new(run, attempt.route, Framing::None);
    sink.end(None);
    let sent = sink.flush().await.is_ok();
    sink.finish();
    if sent {
        tee.send(run);
    }
    sent
}

/// Passes the body on as it comes; `keep` asks to keep it for another try.
async fn relay<S: RequestSink, B: RequestBody>(
    run: &Run<'_>,
    attempt: &Attempt<'_>,
    sink: &mut S,
    body: &mut B,
    tee: &mut Tee,
    keep: bool,
) -> Result<bool, ProxyError> {
    let Attempt { route, upstream, .. } = *attempt;
    let replay = &attempt.body.replay;
    let stalled = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
    let idle = route.timeouts.idle.unwrap_or(upstream.plan.idle_timeout);
    let deadline = Deadline::new(&run.local.worker);
    let streamed = attempt.body.streamed;
    let mut changed = Vec::new();
    loop {
        // What was gathered goes out before a wait for more.
        if !body.is_ready() && deadline.bound(idle, stalled, sink.flush()).await?.is_err() {
            return Ok(false);
        }
        let piece = body.next().await?;
        let end = piece.is_empty();
        let held = replay.hold();
        count(run, piece.len())?;
        tee.keep(piece);
        let piece = if streamed {
            changed.clear();
            changed.extend_from_slice(piece);
            filtered(run, route, &mut changed, end).await?;
            &changed
        } else {
            piece
        };
        if keep || piece.is_empty() {
            held.keep(piece);
        }
        if deadline.bound(idle, stalled, sink.body(piece)).await?.is_err() {
            return Ok(false);
        }
        if end {
            sink.end(trailers(attempt, body).as_deref());
            return Ok(true);
        }
    }
}

async fn filtered(
    run: &Run<'_>,
    route: &Route,
    bytes: &mut Vec<u8>,
    end: bool,
) -> Result<(), ProxyError> {
    match filters::on_body(run, route.chain.links(), Way::Request, bytes, end).await {
        Ok(()) => Ok(()),
        Err(Stop::Fail(error)) => Err(error),
        // The head is at the upstream already: a reply can only take the answer's place.
        Err(Stop::Reply(reply)) => {
            let code = reply.reason.map_or("filter.refused", |reason| reason.0);
            Err(ProxyError::client(ErrorKind::Filter { code, status: reply.status }))
        }
    }
}

/// A copy of the request for the route's mirror.
struct Tee {
    mirror: Option<portunus_snapshot::Mirror>,
    bytes: Vec<u8>,
}

impl Tee {
    fn new(run: &Run<'_>, route: &Route, framing: Framing) -> Self {
        let mirror = route.mirror.filter(|_| !run.mirrored.get());
        let chosen = mirror.filter(|mirror| {
            let fits = framing.length().is_some_and(|bytes| bytes <= mirror.body_max as u64);
            fits && run.local.worker.random(|rng| rng.chance(mirror.share))
        });
        // Who is not chosen gets no second chance by a retry.
        if mirror.is_some() && chosen.is_none() {
            run.mirrored.set(true);
        }
        Self { mirror: chosen, bytes: Vec::new() }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.mirror.is_some() {
            self.bytes.extend_from_slice(piece);
        }
    }

    fn send(self, run: &Run<'_>) {
        if let Some(mirror) = self.mirror.filter(|_| !run.mirrored.replace(true)) {
            let head = run.exchange.borrow().request.clone();
            calls::mirror(run.local, mirror.upstream, head, Bytes::from(self.bytes));
        }
    }
}

/// What follows the request's body, without what only filters may say. The codecs have refused what nobody may say there.
fn trailers<'b, B: RequestBody>(attempt: &Attempt<'_>, body: &'b B) -> Option<Cow<'b, HeaderList>> {
    let trailers = body.trailers()?;
    let links = attempt.route.chain.links();
    let is_guarded = |header: &Header<'_>| links.iter().any(|link| link.filter.guards(header.name));
    if !trailers.iter().any(|header| is_guarded(&header)) {
        return Some(Cow::Borrowed(trailers));
    }
    let mut kept = trailers.clone();
    kept.retain(|header| !is_guarded(&header));
    Some(Cow::Owned(kept))
}

/// Removes the headers that describe a body which was replaced.
pub(crate) fn forget_body_headers(headers: &mut HeaderList) {
    headers.remove_id(HeaderId::ContentLength);
    headers.remove_id(HeaderId::TransferEncoding);
}
