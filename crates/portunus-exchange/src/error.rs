//! What can go wrong with an exchange: kind × side × whether another try is safe. Small and `Copy`.

use crate::Reason;

/// Who is at fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The client, or the way to it.
    Client,
    /// The upstream, or the way to it.
    Upstream,
    /// We ourselves: configuration, limits.
    Local,
}

/// Whether sending the request once more is safe.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Retry {
    /// Never.
    Never,
    /// Always: the upstream saw nothing of the request.
    Unsent,
    /// The connection was a reused one and died before the first byte of an answer: safe on a fresh one
    /// when the request can be replayed (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
    Replayable,
    /// The upstream wants the request over HTTP/1 (RFC 9113 section 7, HTTP_1_1_REQUIRED): safe there when the
    /// request can be replayed.
    OverH1,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// The client's bytes were refused by the protocol: a stable code and the status to answer.
    BadRequest {
        /// Reason code after `request.`.
        code: &'static str,
        /// The status of the answer.
        status: u16,
    },
    /// The body of the request is larger than allowed.
    BodyTooLarge,
    /// The client closed before the end.
    ClientClosed,
    /// The client took too long to send the head or body of its request.
    ClientTimeout,
    /// The client sends the body of its request more slowly than is allowed.
    BodyTooSlow,
    /// The client takes its answer more slowly than is allowed.
    AnswerTooSlow,
    /// The upstream refused the connection.
    ConnectRefused,
    /// No connection to the upstream in time.
    ConnectTimeout,
    /// No way to the upstream: unreachable, no such socket.
    ConnectFailed,
    /// The upstream did not begin its answer in time.
    FirstByteTimeout,
    /// The upstream stalled in the middle of its answer or of taking the request.
    IdleTimeout,
    /// The whole exchange took longer than allowed.
    RequestTimeout,
    /// The upstream closed or reset the connection before its answer.
    Reset,
    /// The upstream closed in the middle of its answer's body.
    Truncated,
    /// The upstream's answer is not HTTP: the codec's code.
    BadResponse(&'static str),
    /// The upstream's certificate is not good: the word of the TLS side for why.
    TlsCertificate(&'static str),
    /// TLS with the upstream failed otherwise: the word of the TLS side for why.
    TlsFailed(&'static str),
    /// The upstream has no endpoint that may be used.
    NoEndpoint,
    /// The upstream's name has not resolved to any endpoint yet.
    Unresolved,
    /// All connections that the upstream allows are in use.
    UpstreamBusy,
    /// The request waited for its turn at the upstream for too long.
    QueueTimeout,
    /// As many requests wait for their turn at the upstream as may, or one of a higher class took the place.
    QueueFull,
    /// The upstream gets slower with what it has already.
    UpstreamOverloaded,
    /// The upstream failed too often of late, and is left alone.
    BreakerOpen {
        /// Whole seconds after which another request may do better.
        retry_after_s: u32,
    },
    /// No route serves the host.
    NoHost,
    /// No route serves the path.
    NoRoute,
    /// The path is served, but not for this method.
    MethodNotAllowed,
    /// The host is none of those for which the client's connection was made.
    Misdirected,
    /// An upgrade was asked for that the route does not allow.
    UpgradeRefused,
    /// A filter failed, or refused a body that was on its way already.
    Filter {
        /// Its reason code.
        code: &'static str,
        /// The status of the answer.
        status: u16,
    },
    /// The process has as many requests under way as it takes on.
    Overloaded,
    /// The listener has as many requests under way as it takes on.
    ListenerFull,
    /// The process holds as much memory as it may.
    MemoryFull,
    /// The process has no file descriptor left for a connection to the upstream.
    NoFiles,
    /// The process is stopping.
    Stopping,
}

impl ErrorKind {
    /// The reason code. Exhaustive: a new kind does not compile until it has one.
    #[must_use]
    pub fn reason(self) -> Reason {
        Reason(match self {
            Self::AnswerTooSlow => "client.answer_too_slow",
            Self::BadRequest { code, .. } | Self::Filter { code, .. } => code,
            Self::BadResponse(_) => "upstream.bad_response",
            Self::BodyTooLarge => "limit.body",
            Self::BodyTooSlow => "client.body_too_slow",
            Self::BreakerOpen { .. } => "upstream.breaker_open",
            Self::ClientClosed => "client.closed",
            Self::ClientTimeout => "client.timeout",
            Self::ConnectFailed => "upstream.connect_failed",
            Self::ConnectRefused => "upstream.connect_refused",
            Self::ConnectTimeout => "upstream.connect_timeout",
            Self::FirstByteTimeout => "upstream.first_byte_timeout",
            Self::IdleTimeout => "upstream.idle_timeout",
            Self::ListenerFull => "overload.listener_requests",
            Self::MemoryFull => "overload.memory",
            Self::MethodNotAllowed => "route.method",
            Self::Misdirected => "tls.misdirected",
            Self::NoEndpoint => "upstream.none_usable",
            Self::NoFiles => "overload.files",
            Self::NoHost => "route.no_host",
            Self::NoRoute => "route.none",
            Self::Overloaded => "overload.requests",
            Self::QueueFull => "upstream.queue_full",
            Self::QueueTimeout => "upstream.queue_timeout",
            Self::RequestTimeout => "request.timeout",
            Self::Reset => "upstream.reset",
            Self::Stopping => "process.stopping",
            Self::TlsCertificate(_) => "upstream.tls_certificate",
            Self::TlsFailed(_) => "upstream.tls_failed",
            Self::Truncated => "upstream.truncated",
            Self::Unresolved => "upstream.unresolved",
            Self::UpgradeRefused => "route.upgrade",
            Self::UpstreamBusy => "upstream.busy",
            Self::UpstreamOverloaded => "upstream.overloaded",
        })
    }
}

/// One failure of an exchange.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ProxyError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Who is at fault.
    pub side: Side,
    /// Whether another try is safe.
    pub retry: Retry,
}

impl ProxyError {
    /// A failure on the client's side.
    #[must_use]
    pub const fn client(kind: ErrorKind) -> Self {
        Self { kind, side: Side::Client, retry: Retry::Never }
    }

    /// A failure on the upstream's side.
    #[must_use]
    pub const fn upstream(kind: ErrorKind, retry: Retry) -> Self {
        Self { kind, side: Side::Upstream, retry }
    }

    /// A decision of our own.
    #[must_use]
    pub const fn local(kind: ErrorKind) -> Self {
        Self { kind, side: Side::Local, retry: Retry::Never }
    }
}

impl std::fmt::Display for ProxyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ({:?})", self.kind, self.side)
    }
}

impl std::error::Error for ProxyError {}
