//! The fields of the access log, in the order in which the JSON form writes them.

use super::{Kind, Name, Unit};

/// A field and where its value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogField {
    /// Its name.
    pub name: Name,
    /// Its place in the record.
    pub field: Field,
}

/// A field of an [`AccessRecord`](crate::AccessRecord).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each variant is documented by its row in LOG_FIELDS")]
pub enum Field {
    Time,
    RequestId,
    ClientIp,
    ClientPort,
    PeerIp,
    Listener,
    Protocol,
    Scheme,
    Method,
    Host,
    Path,
    Query,
    Version,
    Status,
    Reason,
    Phase,
    Route,
    Upstream,
    Endpoint,
    Attempts,
    Retried,
    Duration,
    QueueTime,
    ConnectTime,
    FirstByteTime,
    UpstreamTime,
    BytesIn,
    BytesOut,
    User,
    UserAgent,
    Referer,
    TlsVersion,
    TlsCipher,
    TlsServerName,
    TlsResumed,
    TlsClientSubject,
}

/// All fields. Absent values are left out of JSON and written as `-` elsewhere.
pub static LOG_FIELDS: &[LogField] = &[
    text(
        "time",
        Field::Time,
        "When the request's head was there: RFC 3339, UTC, with milliseconds.",
    ),
    text("request_id", Field::RequestId, "The id of the request, as in `X-Request-Id`."),
    text("client.ip", Field::ClientIp, "The client's address, after trusted proxies."),
    text("client.port", Field::ClientPort, "The client's port, where it is known."),
    text("peer.ip", Field::PeerIp, "The address of the connection's other end."),
    text("listener", Field::Listener, "The listener's name."),
    text(
        "protocol",
        Field::Protocol,
        "The protocol of the client's connection: `h1`, `h2`, `tcp` or `udp`.",
    ),
    text("scheme", Field::Scheme, "`http` or `https`."),
    text("method", Field::Method, "The method."),
    text("host", Field::Host, "The host asked for."),
    text("path", Field::Path, "The path as the client sent it."),
    text("query", Field::Query, "The query as the client sent it, without the question mark."),
    text("version", Field::Version, "The HTTP version, for instance `HTTP/1.1`."),
    text("status", Field::Status, "The answer's status; absent when none was sent."),
    text("reason", Field::Reason, "The reason code, when Portunus made the answer or cut it."),
    text("phase", Field::Phase, "The last phase that the exchange reached."),
    text("route", Field::Route, "The route's name."),
    text("upstream", Field::Upstream, "The upstream's name."),
    text("endpoint", Field::Endpoint, "The address of the endpoint that was tried last."),
    text("attempts", Field::Attempts, "How many endpoints were tried."),
    text("retried", Field::Retried, "`true` when there was more than one attempt."),
    time("duration_ms", Field::Duration, "From the request's first byte to the answer's last."),
    time(
        "queue_ms",
        Field::QueueTime,
        "Time that the request waited for its turn at the upstream.",
    ),
    time("connect_ms", Field::ConnectTime, "Time to get an upstream connection."),
    time(
        "first_byte_ms",
        Field::FirstByteTime,
        "From the request's first byte to the answer's first.",
    ),
    time(
        "upstream_ms",
        Field::UpstreamTime,
        "From sending the request to the end of the upstream's answer.",
    ),
    bytes("bytes_in", Field::BytesIn, "Read from the client for this request, with its head."),
    bytes("bytes_out", Field::BytesOut, "Written to the client for this request, with the head."),
    text("user", Field::User, "Who the client was found to be."),
    text("user_agent", Field::UserAgent, "The `User-Agent` header."),
    text("referer", Field::Referer, "The `Referer` header."),
    text("tls.version", Field::TlsVersion, "The version of TLS: `1.2` or `1.3`."),
    text("tls.cipher", Field::TlsCipher, "The cipher suite of TLS."),
    text(
        "tls.server_name",
        Field::TlsServerName,
        "The server name that the client asked for (SNI).",
    ),
    text("tls.resumed", Field::TlsResumed, "`true` where a TLS session was resumed."),
    text(
        "client.cert.subject",
        Field::TlsClientSubject,
        "The subject of the certificate that the client proved to have.",
    ),
];

const fn field(name: &'static str, field: Field, unit: Unit, doc: &'static str) -> LogField {
    LogField { name: Name { name, kind: Kind::LogField, unit, doc, labels: &[] }, field }
}

const fn text(name: &'static str, place: Field, doc: &'static str) -> LogField {
    field(name, place, Unit::None, doc)
}

const fn time(name: &'static str, place: Field, doc: &'static str) -> LogField {
    field(name, place, Unit::Milliseconds, doc)
}

const fn bytes(name: &'static str, place: Field, doc: &'static str) -> LogField {
    field(name, place, Unit::Bytes, doc)
}
