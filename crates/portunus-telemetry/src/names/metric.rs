//! The metrics, in the order in which the exposition writes them.

use super::{Kind, Name, Unit};
use crate::metrics::{Count, SeriesKind};

/// A metric and where its values come from.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, type, unit, text and labels.
    pub name: Name,
    pub(crate) source: Source,
}

/// Which sums a metric shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Requests of each series by class of status.
    Codes(SeriesKind),
    /// The histogram of each series.
    Durations(SeriesKind),
    /// One count of each series.
    Count(SeriesKind, Count),
    /// Upstream connections of each endpoint by result.
    Connects,
    /// Ejections of each endpoint by reason.
    Ejections,
    /// TLS handshakes of each listener that succeeded, by version and resumption.
    Handshakes,
    /// TLS handshakes of each listener that failed, by kind.
    TlsErrors,
    /// Connections of HTTP/2 that were ended because of what the client did, by kind.
    H2Errors,
    /// Orders of certificates by ACME, by result.
    AcmeOrders,
    /// Why ACME gave no certificate, by kind.
    AcmeErrors,
    /// Changed files of certificates, taken or not.
    Refreshes,
    /// When each certificate ends.
    Certificates,
    /// How many endpoints each upstream has, by their state.
    EndpointStates,
    /// Where the breaker of each upstream stands.
    BreakerStates,
    /// How often the breaker of each upstream came to stand where.
    BreakerTurns,
    /// How many requests wait for each upstream.
    QueueLengths,
    /// How waits for each upstream ended.
    QueueEnds,
    /// How long all waits for each upstream were.
    QueueWaits,
    /// How many requests each upstream that finds its limit itself gets at once.
    ConcurrencyLimits,
    /// Own answers by reason.
    Replies,
    /// Decisions of filters.
    Decisions,
    /// Names that got no series of their own, by kind.
    Folded,
    /// Reloads by result.
    Reloads,
    /// A number without labels.
    Number(Number),
    /// 1, with the version as a label.
    Build,
}

/// The numbers without labels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    LastReloadSuccess,
    LastReloadSuccessTime,
    LogLines,
    LogDropped,
    LogErrors,
    ResidentBytes,
    OpenFds,
    MaxFds,
    CpuSeconds,
    StartTime,
}

/// All metrics.
pub static METRICS: &[Metric] = &[
    codes("portunus_listener_requests_total", LISTENER, "Requests that ended, by listener."),
    durations(
        "portunus_listener_request_duration_seconds",
        LISTENER,
        "First byte of the request to last of the answer.",
    ),
    bytes("portunus_listener_received_bytes_total", LISTENER, Count::BytesIn, "Read from clients."),
    bytes("portunus_listener_sent_bytes_total", LISTENER, Count::BytesOut, "Written to clients."),
    gauge("portunus_listener_requests_in_flight", LISTENER, Count::InFlight, "Requests under way."),
    counter(
        "portunus_listener_connections_total",
        LISTENER,
        Count::Accepted,
        "Connections accepted.",
    ),
    gauge("portunus_listener_connections_open", LISTENER, Count::Open, "Connections open now."),
    counter(
        "portunus_listener_connections_refused_total",
        LISTENER,
        Count::Refused,
        "Connections closed unserved: over a limit, without a PROXY head, for an unknown TLS name.",
    ),
    counter(
        "portunus_listener_accept_errors_total",
        LISTENER,
        Count::Unaccepted,
        "Times that the system gave no connection, for want of file descriptors say; it waits a moment then.",
    ),
    metric(
        "portunus_listener_tls_handshakes_total",
        Kind::Counter,
        Unit::None,
        &["listener", "version", "result"],
        Source::Handshakes,
        "TLS handshakes that succeeded.",
    ),
    metric(
        "portunus_listener_tls_errors_total",
        Kind::Counter,
        Unit::None,
        &["listener", "kind"],
        Source::TlsErrors,
        "TLS handshakes that failed.",
    ),
    metric(
        "portunus_listener_h2_errors_total",
        Kind::Counter,
        Unit::None,
        &["listener", "kind"],
        Source::H2Errors,
        "HTTP/2 connections that were ended because of what the client did.",
    ),
    codes("portunus_route_requests_total", ROUTE, "Requests that ended, by route."),
    durations(
        "portunus_route_request_duration_seconds",
        ROUTE,
        "First byte of the request to last of the answer.",
    ),
    bytes("portunus_route_received_bytes_total", ROUTE, Count::BytesIn, "Read from clients."),
    bytes("portunus_route_sent_bytes_total", ROUTE, Count::BytesOut, "Written to clients."),
    gauge("portunus_route_requests_in_flight", ROUTE, Count::InFlight, "Requests under way."),
    codes("portunus_upstream_requests_total", UPSTREAM, "Requests that ended, by upstream."),
    durations(
        "portunus_upstream_request_duration_seconds",
        UPSTREAM,
        "Sending the request to the end of the upstream's answer.",
    ),
    bytes(
        "portunus_upstream_received_bytes_total",
        UPSTREAM,
        Count::BytesIn,
        "Read from clients for the upstream.",
    ),
    bytes(
        "portunus_upstream_sent_bytes_total",
        UPSTREAM,
        Count::BytesOut,
        "Written to clients from the upstream.",
    ),
    gauge("portunus_upstream_requests_in_flight", UPSTREAM, Count::InFlight, "Requests under way."),
    counter(
        "portunus_upstream_retries_total",
        UPSTREAM,
        Count::Retries,
        "Attempts after the first.",
    ),
    counter(
        "portunus_upstream_hedges_total",
        UPSTREAM,
        Count::Hedges,
        "Requests that were sent to a second endpoint, as the first one took long.",
    ),
    counter(
        "portunus_upstream_hedge_wins_total",
        UPSTREAM,
        Count::HedgeWins,
        "Requests whose second endpoint was the first to answer.",
    ),
    counter(
        "portunus_upstream_sticky_moves_total",
        UPSTREAM,
        Count::StickyMoves,
        "Clients that left the endpoint where they had stayed, as it could not keep them.",
    ),
    metric(
        "portunus_upstream_endpoints",
        Kind::Gauge,
        Unit::None,
        &["upstream", "state"],
        Source::EndpointStates,
        "Endpoints that there are, by how they are.",
    ),
    metric(
        "portunus_upstream_breaker_state",
        Kind::Gauge,
        Unit::None,
        &["upstream"],
        Source::BreakerStates,
        "Where the breaker stands: 0 closed, 1 half-open, 2 open.",
    ),
    metric(
        "portunus_upstream_breaker_transitions_total",
        Kind::Counter,
        Unit::None,
        &["upstream", "to"],
        Source::BreakerTurns,
        "Times that the breaker came to stand elsewhere.",
    ),
    metric(
        "portunus_upstream_queue_length",
        Kind::Gauge,
        Unit::None,
        &["upstream"],
        Source::QueueLengths,
        "Requests that wait for their turn.",
    ),
    metric(
        "portunus_upstream_queue_requests_total",
        Kind::Counter,
        Unit::None,
        &["upstream", "outcome"],
        Source::QueueEnds,
        "Requests that waited for their turn, or would have.",
    ),
    metric(
        "portunus_upstream_queue_wait_seconds_total",
        Kind::Counter,
        Unit::Seconds,
        &["upstream"],
        Source::QueueWaits,
        "How long they waited, all together.",
    ),
    metric(
        "portunus_upstream_concurrency_limit",
        Kind::Gauge,
        Unit::None,
        &["upstream"],
        Source::ConcurrencyLimits,
        "Requests at once that an `adaptive` limit has found to be good.",
    ),
    codes("portunus_endpoint_requests_total", ENDPOINT, "Requests that ended, by endpoint."),
    durations(
        "portunus_endpoint_request_duration_seconds",
        ENDPOINT,
        "Sending the request to the end of the endpoint's answer.",
    ),
    gauge("portunus_endpoint_requests_in_flight", ENDPOINT, Count::InFlight, "Requests under way."),
    metric(
        "portunus_endpoint_connections_total",
        Kind::Counter,
        Unit::None,
        &["upstream", "endpoint", "result"],
        Source::Connects,
        "Connections taken for requests: reused from the pool, or dialled.",
    ),
    metric(
        "portunus_endpoint_ejections_total",
        Kind::Counter,
        Unit::None,
        &["upstream", "endpoint", "reason"],
        Source::Ejections,
        "Times that the endpoint was ejected for what it did with requests.",
    ),
    gauge(
        "portunus_endpoint_ejected",
        ENDPOINT,
        Count::Ejected,
        "1 while the endpoint is ejected.",
    ),
    metric(
        "portunus_certificate_expiry_timestamp_seconds",
        Kind::Gauge,
        Unit::Seconds,
        &["name"],
        Source::Certificates,
        "When the certificate ends to be valid.",
    ),
    metric(
        "portunus_certificate_refreshes_total",
        Kind::Counter,
        Unit::None,
        &["result"],
        Source::Refreshes,
        "Times that files of certificates had changed, and were taken or not; if not, the old ones stay.",
    ),
    metric(
        "portunus_acme_orders_total",
        Kind::Counter,
        Unit::None,
        &["result"],
        Source::AcmeOrders,
        "Orders of certificates by ACME; after a failure the old one stays.",
    ),
    metric(
        "portunus_acme_errors_total",
        Kind::Counter,
        Unit::None,
        &["kind"],
        Source::AcmeErrors,
        "Times that there was no certificate by ACME, with names that were refused on demand.",
    ),
    metric(
        "portunus_replies_total",
        Kind::Counter,
        Unit::None,
        &["reason"],
        Source::Replies,
        "Answers that Portunus made itself.",
    ),
    metric(
        "portunus_filter_decisions_total",
        Kind::Counter,
        Unit::None,
        &["scope", "decision"],
        Source::Decisions,
        "What filters decided.",
    ),
    metric(
        "portunus_series_folded_total",
        Kind::Counter,
        Unit::None,
        &["kind"],
        Source::Folded,
        "Times that a name had to share the series `other`.",
    ),
    metric(
        "portunus_config_reloads_total",
        Kind::Counter,
        Unit::None,
        &["result"],
        Source::Reloads,
        "Reloads of the configuration.",
    ),
    number(
        "portunus_config_last_reload_success",
        Kind::Gauge,
        Unit::None,
        Number::LastReloadSuccess,
        "1 when the last load of the configuration succeeded, 0 when not.",
    ),
    number(
        "portunus_config_last_reload_success_timestamp_seconds",
        Kind::Gauge,
        Unit::Seconds,
        Number::LastReloadSuccessTime,
        "When the configuration in use was loaded.",
    ),
    number(
        "portunus_log_lines_total",
        Kind::Counter,
        Unit::None,
        Number::LogLines,
        "Lines of the access log written.",
    ),
    number(
        "portunus_log_dropped_total",
        Kind::Counter,
        Unit::None,
        Number::LogDropped,
        "Lines of the access log lost, because the log could not be written fast enough.",
    ),
    number(
        "portunus_log_write_errors_total",
        Kind::Counter,
        Unit::None,
        Number::LogErrors,
        "Failed writes of the access log.",
    ),
    metric(
        "portunus_build_info",
        Kind::Gauge,
        Unit::None,
        &["version"],
        Source::Build,
        "1; the version is a label.",
    ),
    number(
        "process_resident_memory_bytes",
        Kind::Gauge,
        Unit::Bytes,
        Number::ResidentBytes,
        "Resident memory.",
    ),
    number("process_open_fds", Kind::Gauge, Unit::None, Number::OpenFds, "Open file descriptors."),
    number(
        "process_max_fds",
        Kind::Gauge,
        Unit::None,
        Number::MaxFds,
        "The limit of open file descriptors.",
    ),
    number(
        "process_cpu_seconds_total",
        Kind::Counter,
        Unit::Seconds,
        Number::CpuSeconds,
        "CPU time, user and system.",
    ),
    number(
        "process_start_time_seconds",
        Kind::Gauge,
        Unit::Seconds,
        Number::StartTime,
        "When the process started.",
    ),
];

const LISTENER: SeriesKind = SeriesKind::Listener;
const ROUTE: SeriesKind = SeriesKind::Route;
const UPSTREAM: SeriesKind = SeriesKind::Upstream;
const ENDPOINT: SeriesKind = SeriesKind::Endpoint;

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    labels: &'static [&'static str],
    source: Source,
    doc: &'static str,
) -> Metric {
    Metric { name: Name { name, kind, unit, doc, labels }, source }
}

const fn codes(name: &'static str, of: SeriesKind, doc: &'static str) -> Metric {
    let labels: &[&str] = match of {
        SeriesKind::Listener => &["listener", "code"],
        SeriesKind::Route => &["route", "code"],
        SeriesKind::Upstream => &["upstream", "code"],
        SeriesKind::Endpoint => &["upstream", "endpoint", "code"],
    };
    metric(name, Kind::Counter, Unit::None, labels, Source::Codes(of), doc)
}

const fn durations(name: &'static str, of: SeriesKind, doc: &'static str) -> Metric {
    metric(name, Kind::Histogram, Unit::Seconds, of.labels(), Source::Durations(of), doc)
}

const fn counter(name: &'static str, of: SeriesKind, count: Count, doc: &'static str) -> Metric {
    metric(name, Kind::Counter, Unit::None, of.labels(), Source::Count(of, count), doc)
}

const fn bytes(name: &'static str, of: SeriesKind, count: Count, doc: &'static str) -> Metric {
    metric(name, Kind::Counter, Unit::Bytes, of.labels(), Source::Count(of, count), doc)
}

const fn gauge(name: &'static str, of: SeriesKind, count: Count, doc: &'static str) -> Metric {
    metric(name, Kind::Gauge, Unit::None, of.labels(), Source::Count(of, count), doc)
}

const fn number(
    name: &'static str,
    kind: Kind,
    unit: Unit,
    number: Number,
    doc: &'static str,
) -> Metric {
    metric(name, kind, unit, &[], Source::Number(number), doc)
}
