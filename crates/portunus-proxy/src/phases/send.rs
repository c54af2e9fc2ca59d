//! The request goes out.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{ErrorKind, Exchange, Phase, ProxyError, Retry};
use portunus_filter::BodyMode;
use portunus_h1::{encode_request, encode_upgrade_request};
use portunus_http::{Framing, HeaderId, HeaderList};
use portunus_net::Io;
use portunus_snapshot::{Route, UPGRADE};
use portunus_upstream::wire::Outgoing;
use portunus_upstream::{Picked, Upstream};

use crate::calls;
use crate::deadline::Deadline;
use crate::phases::filters::{self, Way};
use crate::phases::request::{RequestBodyPlan, count};
use crate::protocol::RequestBody;
use crate::run::{Run, Stop};

/// Writes the head of the request into the first bytes to go out.
pub(crate) fn head(
    run: &Run<'_>,
    route: &Route,
    picked: &Picked,
    client_framing: Framing,
    replaced: &RequestBodyPlan,
) -> Outgoing {
    let mut exchange = run.exchange.borrow_mut();
    exchange.phase = Phase::Send;
    let framing = match (&replaced.whole, route.chain.request_body()) {
        (Some(whole), _) if whole.is_empty() => Framing::None,
        (Some(whole), _) => Framing::Length(whole.len() as u64),
        // A filter may change the length.
        (None, BodyMode::Stream) if !client_framing.is_empty() => Framing::Chunked,
        (None, _) => client_framing,
    };
    let first_attempt = exchange.attempts <= 1;
    describe_way(&mut exchange, route, picked, first_attempt);
    let mut outgoing = Outgoing::new(run.local.buffers.take());
    outgoing.framing = framing;
    match exchange.attributes.value(UPGRADE).filter(|_| route.upgrade) {
        Some(protocol) => {
            encode_upgrade_request(&exchange.request, framing, protocol, &mut outgoing.pending);
        }
        None => encode_request(&exchange.request, framing, &mut outgoing.pending),
    }
    outgoing
}

/// `Via`, `Host` and `Forwarded`: what the upstream learns of the way here.
fn describe_way(exchange: &mut Exchange, route: &Route, picked: &Picked, first_attempt: bool) {
    if first_attempt {
        let version = exchange.request.version.number();
        let mut via = [0u8; 16];
        let text = format_via(&mut via, version);
        exchange.request.headers.append_id(HeaderId::Via, text);
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
pub(crate) async fn body<B: RequestBody>(
    run: &Run<'_>,
    route: &Route,
    upstream: &Arc<Upstream>,
    io: &Io,
    mut outgoing: Outgoing,
    body: &mut B,
    replaced: &RequestBodyPlan,
) -> Result<bool, ProxyError> {
    let mut tee = Tee::new(run, route, outgoing.framing);
    let whole = match &replaced.whole {
        Some(whole) => {
            tee.keep(whole);
            let sent = outgoing.body(io, whole).await.is_ok();
            outgoing.end(None);
            sent
        }
        None if body.is_end() => {
            outgoing.end(None);
            true
        }
        None => {
            let deadline = Deadline::new(&run.local.worker);
            relay(run, route, upstream, io, &mut outgoing, body, &deadline, &mut tee).await?
        }
    };
    let sent = whole && outgoing.flush(io).await.is_ok();
    run.local.buffers.give(outgoing.pending);
    if sent {
        tee.send(run);
    }
    Ok(sent)
}

#[expect(clippy::too_many_arguments, reason = "the two ends of a pump and what watches it")]
async fn relay<B: RequestBody>(
    run: &Run<'_>,
    route: &Route,
    upstream: &Upstream,
    io: &Io,
    outgoing: &mut Outgoing,
    body: &mut B,
    deadline: &Deadline,
    tee: &mut Tee,
) -> Result<bool, ProxyError> {
    let stalled = ProxyError::upstream(ErrorKind::IdleTimeout, Retry::Never);
    let idle = route.timeouts.idle.unwrap_or(upstream.plan.idle_timeout);
    let streamed = route.chain.request_body() == BodyMode::Stream;
    let mut changed = Vec::new();
    loop {
        // What was gathered goes out before a wait for more.
        if !body.is_ready() && deadline.bound(idle, stalled, outgoing.flush(io)).await?.is_err() {
            return Ok(false);
        }
        let piece = body.next().await?;
        let end = piece.is_empty();
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
        if deadline.bound(idle, stalled, outgoing.body(io, piece)).await?.is_err() {
            return Ok(false);
        }
        if end {
            outgoing.end(body.trailers());
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
    match filters::on_body(run, &route.chain, Way::Request, bytes, end).await {
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
        let first = run.exchange.borrow().attempts <= 1;
        let chosen = route.mirror.filter(|mirror| {
            let fits = framing.length().is_some_and(|bytes| bytes <= mirror.body_max as u64);
            first && fits && run.local.worker.random(|rng| rng.chance(mirror.share))
        });
        Self { mirror: chosen, bytes: Vec::new() }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.mirror.is_some() {
            self.bytes.extend_from_slice(piece);
        }
    }

    fn send(self, run: &Run<'_>) {
        if let Some(mirror) = self.mirror {
            let head = run.exchange.borrow().request.clone();
            calls::mirror(run.local, mirror.upstream, head, Bytes::from(self.bytes));
        }
    }
}

/// Headers that describe a body which was replaced.
pub(crate) fn forget_body_headers(headers: &mut HeaderList) {
    headers.remove_id(HeaderId::ContentLength);
    headers.remove_id(HeaderId::TransferEncoding);
}
