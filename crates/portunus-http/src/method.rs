//! Request methods.

/// A method; the text of [`Method::Other`] is kept by the head.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Method {
    /// CONNECT
    Connect,
    /// DELETE
    Delete,
    /// GET
    #[default]
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// Any other token.
    Other,
    /// PATCH
    Patch,
    /// POST
    Post,
    /// PUT
    Put,
    /// TRACE
    Trace,
}

const KNOWN: &[(Method, &str)] = &[
    (Method::Get, "GET"),
    (Method::Post, "POST"),
    (Method::Put, "PUT"),
    (Method::Head, "HEAD"),
    (Method::Delete, "DELETE"),
    (Method::Patch, "PATCH"),
    (Method::Options, "OPTIONS"),
    (Method::Connect, "CONNECT"),
    (Method::Trace, "TRACE"),
];

impl Method {
    /// The method that `text` names. Methods are case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let known = KNOWN.iter().find(|(_, name)| name.as_bytes() == text);
        known.map_or(Self::Other, |(method, _)| *method)
    }

    /// The text; empty for [`Method::Other`].
    #[must_use]
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|(method, _)| *method == self).map_or("", |(_, name)| name)
    }

    /// True when sending it twice does what sending it once does (RFC 9110 section 9.2.2).
    #[must_use]
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Connect | Self::Other | Self::Patch | Self::Post)
    }

    /// True when it only reads (RFC 9110 section 9.2.1).
    #[must_use]
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }
}
