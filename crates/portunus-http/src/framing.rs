//! How long a body is, and the protocol version.

/// How the length of a body is known (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Framing {
    /// No body at all.
    #[default]
    None,
    /// Exactly this many bytes.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// Until the connection closes: answers only.
    Close,
}

impl Framing {
    /// True when not a single byte of body follows.
    #[must_use]
    pub fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Length(0))
    }

    /// The length, where it is known before the end.
    #[must_use]
    pub fn length(self) -> Option<u64> {
        match self {
            Self::None => Some(0),
            Self::Length(bytes) => Some(bytes),
            Self::Chunked | Self::Close => None,
        }
    }
}

/// The version that a message was sent with.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// HTTP/1.0
    H10,
    /// HTTP/1.1
    #[default]
    H11,
    /// HTTP/2
    H2,
    /// HTTP/3
    H3,
}

impl Version {
    /// As in access logs: `HTTP/1.1`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::H10 => "HTTP/1.0",
            Self::H11 => "HTTP/1.1",
            Self::H2 => "HTTP/2",
            Self::H3 => "HTTP/3",
        }
    }

    /// As in `Via` and `Forwarded`: `1.1`.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::H10 => "1.0",
            Self::H11 => "1.1",
            Self::H2 => "2",
            Self::H3 => "3",
        }
    }
}
