//! How a stream or a connection ended before its time.

use std::fmt;
use std::io;

use crate::{FloodKind, H2Fault};

/// A stream or a connection ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct H2Error {
    /// What ended it.
    pub kind: H2ErrorKind,
    /// The peer certainly did not work on the request: it may be sent again, whatever it is
    /// (RFC 9113 section 8.7).
    pub unprocessed: bool,
}

/// What ended a stream or a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum H2ErrorKind {
    /// The peer reset the stream.
    Reset(ErrorCode),
    /// The peer gave up the connection.
    GoAway(ErrorCode),
    /// The peer broke the protocol; it was told so.
    Protocol(ErrorCode),
    /// The peer sent a message that must not be passed on.
    Malformed(H2Fault),
    /// The peer sent too much of what costs it nothing.
    Flood(FloodKind),
    /// The socket failed, or ended early.
    Io(io::ErrorKind),
    /// The stream or the connection is over on our side: reset, ended, or used in the wrong order.
    Closed,
}

/// An error code (RFC 9113 section 7).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ErrorCode(pub u32);

impl H2Error {
    /// An error of that kind on a request that the peer may have seen.
    #[must_use]
    pub fn new(kind: H2ErrorKind) -> Self {
        Self { kind, unprocessed: false }
    }

    /// The stream ended on our side.
    pub(crate) const CLOSED: Self = Self { kind: H2ErrorKind::Closed, unprocessed: false };

    /// The same on a request that never went out.
    pub(crate) fn unsent(self) -> Self {
        Self { unprocessed: true, ..self }
    }

    /// What `h2` says.
    #[cold]
    pub(crate) fn of(error: &h2::Error) -> Self {
        let kind = kind_of(error);
        let refused = kind == H2ErrorKind::Reset(ErrorCode::REFUSED_STREAM);
        // A GOAWAY of the peer is the end of exactly those streams that it will not look at.
        Self { kind, unprocessed: refused || matches!(kind, H2ErrorKind::GoAway(_)) }
    }
}

impl H2ErrorKind {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset(_) => "reset",
            Self::GoAway(_) => "goaway",
            Self::Protocol(_) => "protocol",
            Self::Malformed(fault) => fault.code(),
            Self::Flood(kind) => kind.name(),
            Self::Io(_) => "io",
            Self::Closed => "closed",
        }
    }
}

fn kind_of(error: &h2::Error) -> H2ErrorKind {
    if let Some(io) = error.get_io() {
        return H2ErrorKind::Io(io.kind());
    }
    let Some(code) = error.reason().map(|reason| ErrorCode(reason.into())) else {
        return H2ErrorKind::Closed;
    };
    match (error.is_go_away(), error.is_remote()) {
        (true, true) => H2ErrorKind::GoAway(code),
        (false, true) => H2ErrorKind::Reset(code),
        (_, false) if !error.is_library() => H2ErrorKind::Closed,
        (_, false) => H2ErrorKind::Protocol(code),
    }
}

impl From<io::Error> for H2Error {
    fn from(error: io::Error) -> Self {
        Self::new(H2ErrorKind::Io(error.kind()))
    }
}

impl From<h2::Error> for H2Error {
    fn from(error: h2::Error) -> Self {
        Self::of(&error)
    }
}

impl From<H2Fault> for H2Error {
    fn from(fault: H2Fault) -> Self {
        Self::new(H2ErrorKind::Malformed(fault))
    }
}

impl fmt::Display for H2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            H2ErrorKind::Reset(code) | H2ErrorKind::GoAway(code) | H2ErrorKind::Protocol(code) => {
                write!(f, "{}: error code {}", self.kind.name(), code.0)
            }
            H2ErrorKind::Io(kind) => write!(f, "io: {kind}"),
            kind => f.write_str(kind.name()),
        }
    }
}

impl std::error::Error for H2Error {}

impl ErrorCode {
    /// No fault: a shutdown, or a request body that is not wanted.
    pub const NO_ERROR: Self = Self(0);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1);
    /// We failed.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// The request was not looked at.
    pub const REFUSED_STREAM: Self = Self(7);
    /// The stream is not wanted any more.
    pub const CANCEL: Self = Self(8);
    /// The connection behind a CONNECT was reset.
    pub const CONNECT_ERROR: Self = Self(10);
    /// The peer may be attacking.
    pub const ENHANCE_YOUR_CALM: Self = Self(11);
    /// The request must be sent by HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(13);
}
