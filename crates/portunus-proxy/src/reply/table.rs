//! The one table of failures: what each is called, what the client gets, and what RFC 9209 calls it.

use bytes::Bytes;
use portunus_exchange::{ErrorKind, ProxyError, Reason, Reply, ReplyBody};
use portunus_h1::H1Error;
use portunus_h2::H2Fault;

use crate::detect::TLS_EXPECTED;

/// One reason for an answer of our own.
#[derive(Clone, Copy, Debug)]
pub struct ReasonRow {
    /// The stable code.
    pub code: &'static str,
    /// The status that goes with it; 0 where nothing can be answered any more, or somebody else chooses it.
    pub status: u16,
    /// What happened, in one sentence.
    pub doc: &'static str,
    /// The nearest error of RFC 9209 section 2.3.
    pub registered: &'static str,
}

/// Every reason that the data path gives itself; filters add their own.
pub fn reasons() -> impl Iterator<Item = ReasonRow> {
    let refusals = H1Error::ALL.iter().map(|fault| ReasonRow {
        code: fault.reason(),
        status: fault.status(),
        doc: "The request breaks HTTP/1 or a limit of the listener; the connection was closed.",
        registered: "http_request_error",
    });
    let streams = H2Fault::ALL.iter().map(|fault| ReasonRow {
        code: fault.reason(),
        status: fault.status(),
        doc: "The request breaks HTTP/2 or a limit of the listener.",
        registered: "http_request_error",
    });
    ROWS.iter().copied().chain(refusals).chain(streams)
}

/// The reply of a failure.
pub(crate) fn of_error(error: ProxyError) -> Reply {
    let reason = reason_of(error);
    let reply = Reply::problem(status_of(error), reason.0);
    match error.kind {
        ErrorKind::ListenerFull
        | ErrorKind::MemoryFull
        | ErrorKind::NoFiles
        | ErrorKind::Overloaded
        | ErrorKind::QueueFull
        | ErrorKind::QueueTimeout
        | ErrorKind::Stopping
        | ErrorKind::UpstreamBusy
        | ErrorKind::UpstreamOverloaded => reply.with_header("Retry-After", "1"),
        ErrorKind::BreakerOpen { retry_after_s } => {
            reply.with_header("Retry-After", retry_after_s.to_string())
        }
        ErrorKind::BadResponse(code) => {
            reply.with_detail(format!("The upstream's answer is not HTTP: {code}."))
        }
        ErrorKind::TlsCertificate(code) => {
            reply.with_detail(format!("The upstream's certificate is not good: {code}."))
        }
        ErrorKind::TlsFailed(code) => {
            reply.with_detail(format!("No TLS connection to the upstream came about: {code}."))
        }
        ErrorKind::BadRequest { code: TLS_EXPECTED, .. } => {
            let text = "This port speaks TLS: use https:// in the address.\n";
            let reply = reply.with_header("Content-Type", "text/plain; charset=utf-8");
            Reply { body: ReplyBody::Whole(Bytes::from_static(text.as_bytes())), ..reply }
        }
        _ => reply,
    }
}

/// The reason code of a failure.
pub(crate) fn reason_of(error: ProxyError) -> Reason {
    error.kind.reason()
}

fn status_of(error: ProxyError) -> u16 {
    match error.kind {
        ErrorKind::BadRequest { status, .. } | ErrorKind::Filter { status, .. } => status,
        _ => row(reason_of(error).0).map_or(500, |row| row.status),
    }
}

/// The sentence of a reason, for its problem page.
pub(super) fn sentence(code: &str) -> Option<&'static str> {
    row(code).map(|row| row.doc).or_else(|| {
        let fault = reasons().any(|row| row.code == code);
        fault.then_some("The request is malformed or too large.")
    })
}

/// The error of RFC 9209 that is nearest to a reason.
pub(super) fn registered_error(reason: Reason) -> Option<&'static str> {
    reasons().find(|row| row.code == reason.0).map(|row| row.registered)
}

fn row(code: &str) -> Option<&'static ReasonRow> {
    ROWS.iter().find(|row| row.code == code)
}

macro_rules! rows {
    ($($code:literal, $status:literal, $registered:literal, $doc:literal;)*) => {
        const ROWS: &[ReasonRow] = &[$(ReasonRow {
            code: $code,
            status: $status,
            doc: $doc,
            registered: $registered,
        },)*];
    };
}

rows! {
    "client.answer_too_slow", 0, "http_request_error", "The client took its answer more slowly than the listener allows; it was cut.";
    "client.body_too_slow", 408, "http_request_error", "The client sent the body of its request more slowly than the listener allows.";
    "client.closed", 0, "http_request_error", "The client closed the connection before its answer was whole.";
    "client.timeout", 408, "http_request_error", "The client took too long to send its request or to take its answer.";
    "filter.refused", 0, "http_request_denied", "A filter refused the body in its midst without a reason of its own; the status is the filter's.";
    "limit.body", 413, "http_request_error", "The request's body is larger than allowed.";
    "limit.sessions", 0, "connection_limit_reached", "The UDP session was the one silent for longest when there were too many.";
    "overload.client_connections", 0, "connection_limit_reached", "The client has as many connections as one may have; the connection was closed.";
    "overload.connections", 0, "connection_limit_reached", "There are as many connections as the process takes on; the connection was closed.";
    "overload.files", 503, "proxy_internal_response", "The process has no file descriptor left for a connection to the upstream.";
    "overload.listener_requests", 503, "proxy_internal_response", "As many requests are under way as the listener takes on.";
    "overload.memory", 503, "proxy_internal_response", "The process holds as much memory as it may.";
    "overload.requests", 503, "proxy_internal_response", "As many requests are under way as the process takes on.";
    "process.stopping", 503, "proxy_internal_response", "The proxy is stopping.";
    "proxy_protocol.malformed", 0, "http_request_error", "The head of the PROXY protocol is malformed; the connection was closed.";
    "proxy_protocol.missing", 0, "http_request_error", "The head of the PROXY protocol is missing; the connection was closed.";
    "proxy_protocol.untrusted_peer", 0, "http_request_denied", "The peer is not trusted to send a PROXY protocol head; the connection was closed.";
    "request.connect", 501, "http_request_denied", "CONNECT is not supported.";
    "request.h2_expected", 505, "http_request_error", "The listener speaks HTTP/2 alone.";
    "request.timeout", 504, "http_response_timeout", "The exchange took longer than the route allows.";
    "route.method", 405, "http_request_denied", "The path is served, but not for this method.";
    "route.no_host", 404, "destination_not_found", "No route serves this host.";
    "route.none", 404, "destination_not_found", "No route of this host serves this path.";
    "route.upgrade", 403, "http_request_denied", "The route does not allow upgrades.";
    "sni.none", 0, "http_request_denied", "The client named no host in TLS, and no rule takes such connections; the connection was closed.";
    "sni.unknown", 0, "http_request_denied", "No rule takes TLS for the name that the client asked for; the connection was closed.";
    "tcp.idle_timeout", 0, "connection_read_timeout", "Nothing came from either side of the TCP connection for too long.";
    "tcp.lifetime", 0, "proxy_internal_response", "The TCP connection lived for as long as it may.";
    "tls.expected", 400, "http_request_error", "The listener speaks TLS, and the request came without it.";
    "tls.misdirected", 421, "http_request_denied", "The host is none of those for which the client's TLS connection was made.";
    "upstream.bad_response", 502, "http_protocol_error", "The upstream's answer is not HTTP.";
    "upstream.breaker_open", 503, "destination_unavailable", "The upstream failed too often of late and gets no requests for a while.";
    "upstream.busy", 503, "connection_limit_reached", "The upstream has all the requests or connections that it allows.";
    "upstream.connect_failed", 502, "destination_ip_unroutable", "There is no way to the upstream.";
    "upstream.connect_refused", 502, "connection_refused", "The upstream refused the connection.";
    "upstream.connect_timeout", 504, "connection_timeout", "The upstream took too long to accept a connection.";
    "upstream.first_byte_timeout", 504, "http_response_timeout", "The upstream took too long to begin its answer.";
    "upstream.idle_timeout", 504, "connection_read_timeout", "The upstream stalled in the middle of the exchange.";
    "upstream.none_usable", 503, "destination_unavailable", "The upstream has no endpoint that may be used.";
    "upstream.overloaded", 503, "connection_limit_reached", "The upstream answers more slowly the more it gets, and has as much as is good for it.";
    "upstream.queue_full", 503, "connection_limit_reached", "As many requests wait for their turn at the upstream as may, and none of a lower class.";
    "upstream.queue_timeout", 503, "connection_limit_reached", "The request waited for its turn at the upstream for as long as it may.";
    "upstream.reset", 502, "connection_terminated", "The upstream closed the connection before its answer.";
    "upstream.tls_certificate", 502, "tls_certificate_error", "The upstream's certificate is not good.";
    "upstream.tls_failed", 502, "tls_protocol_error", "No TLS connection to the upstream came about.";
    "upstream.truncated", 502, "http_response_incomplete", "The upstream closed in the middle of its answer.";
    "upstream.unresolved", 503, "dns_error", "The upstream's name has not resolved yet.";
}
