//! Names of headers that only a service may give, as users list them: `X-User`, `X-User-*`.

use portunus_exchange::Exchange;
use portunus_filter::BuildCx;
use portunus_http::{HeaderId, names_are_alike};
use portunus_spec::Spanned;

use portunus_filter::{HeaderName, Message};

/// One name, or all that begin alike.
#[derive(Debug)]
pub(crate) enum NamePattern {
    One(HeaderName),
    /// What stands before the star.
    Prefix(Box<[u8]>),
}

impl NamePattern {
    pub(crate) fn build(name: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let Some(prefix) = name.strip_suffix('*') else {
            let name = HeaderName::write(name, Message::Response, name.span, cx.reader)?;
            return Some(Self::One(name));
        };
        if prefix.len() < PREFIX_BYTES_MIN {
            let error = cx.reader.error(name.span, "this would be nearly every header");
            error.help("write more of the name before the star, such as `X-User-*`");
            return None;
        }
        let prefix = HeaderName::read(prefix, name.span, cx.reader)?;
        Some(Self::Prefix(prefix.text))
    }

    /// Whether a header has such a name, and may be written.
    pub(crate) fn fits(&self, name: &[u8]) -> bool {
        match self {
            Self::One(wanted) => wanted.text.eq_ignore_ascii_case(name),
            Self::Prefix(prefix) => {
                let start = name.get(..prefix.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) && may_write(name)
            }
        }
    }

    /// Removes what the client sent under such a name, also in the spelling with underscores that CGI and its kin read
    /// as the same.
    pub(crate) fn strip(&self, exchange: &mut Exchange) {
        exchange.request.headers.retain(|header| !self.claims(header.name));
    }

    /// Whether a header of a request would be taken for one of these, underscores included.
    pub(crate) fn claims(&self, name: &[u8]) -> bool {
        match self {
            Self::One(wanted) => names_are_alike(name, &wanted.text),
            Self::Prefix(prefix) => {
                let start = name.get(..prefix.len());
                start.is_some_and(|start| names_are_alike(start, prefix)) && may_write(name)
            }
        }
    }
}

/// Whether a service may say what stands under a name: none of the headers that the proxy writes itself, nor `Host`.
pub(crate) fn may_write(name: &[u8]) -> bool {
    Message::Response.reserved(HeaderId::of(name)).is_none()
}

/// Shortest beginning that may stand before a star.
const PREFIX_BYTES_MIN: usize = 3;
