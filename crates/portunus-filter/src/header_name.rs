//! Names of headers as users write them, checked when a filter is built.

use portunus_http::{HeaderId, is_token_byte};
use portunus_spec::{Problem, Reader, Span};

/// Which message a header belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// What goes to the upstream.
    Request,
    /// What goes to the client.
    Response,
}

impl Message {
    /// Why nobody but the proxy may write this header.
    #[must_use]
    pub fn reserved(self, id: HeaderId) -> Option<&'static str> {
        match id {
            HeaderId::ContentLength | HeaderId::TransferEncoding | HeaderId::Trailer => {
                Some("it tells where the body ends; the proxy writes it")
            }
            HeaderId::Connection
            | HeaderId::Http2Settings
            | HeaderId::KeepAlive
            | HeaderId::ProxyAuthenticate
            | HeaderId::ProxyAuthorization
            | HeaderId::ProxyConnection
            | HeaderId::Te
            | HeaderId::Upgrade => {
                Some("it belongs to one connection (RFC 9110 section 7.6.1); the proxy writes it")
            }
            HeaderId::Host if self == Self::Response => {
                Some("it belongs to requests: write it below `request`")
            }
            _ => None,
        }
    }
}

/// A checked name.
#[derive(Clone, Debug)]
pub struct HeaderName {
    /// Which header it is.
    pub id: HeaderId,
    /// As the user wrote it.
    pub text: Box<[u8]>,
}

impl HeaderName {
    /// Checks a name that is only read. None, with a diagnostic, when it is no token.
    pub fn read(name: &str, span: Span, reader: &mut Reader<'_>) -> Option<Self> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            let message = format!("`{name}` is not a header name");
            reader.error(span, message).help("write letters, digits and `-`, such as `X-Shop`");
            return None;
        }
        Some(Self { id: HeaderId::of(name.as_bytes()), text: name.as_bytes().into() })
    }

    /// Checks a name that is written to a message: also none of those that the proxy itself must write.
    pub fn write(
        name: &str,
        message: Message,
        span: Span,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let found = Self::read(name, span, reader)?;
        let Some(help) = message.reserved(found.id) else { return Some(found) };
        reader.error(span, format!("`{name}` cannot be changed")).help(help);
        None
    }
}

/// What may not stand in a header value that the user wrote.
///
/// # Errors
/// It has control characters, or white space around it.
pub fn check_value(value: &str) -> Result<(), Problem> {
    if !portunus_http::is_field_value(value.as_bytes()) {
        return Err(Problem::new("a header value cannot hold control characters")
            .help("write it on one line"));
    }
    if value.trim() != value {
        return Err(Problem::new("white space around a header value is lost on the way")
            .help("write the value without it"));
    }
    Ok(())
}
