//! `redirect`: sends the client elsewhere.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody, Template};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, SlotId, Verdict};
use portunus_spec::{Problem, Spanned, check, spec, spec_enum};

spec! {
    /// Sends the client elsewhere.
    pub struct RedirectSpec {
        short = to;
        /// Where to: a path on the same host, or an `http://` or `https://` URL. Variables and named parts of the
        /// route's path are filled in: `/new/{rest}`, `https://{host}{path}`.
        to: Spanned<String>,
        /// Status: 308 and 307 keep the method, 301 and 302 may turn POST into GET, 303 always does.
        status: Spanned<u16> = Spanned::none(308),
        /// What becomes of the request's query where `to` has none.
        query: QueryChoice = QueryChoice::Keep,
    }
}

spec_enum! {
    /// What becomes of a query.
    pub enum QueryChoice {
        /// It is added to the new place.
        Keep = "keep",
        /// It is dropped.
        Drop = "drop",
    }
}

impl Buildable for RedirectSpec {
    const NAME: &'static str = "redirect";
    const DOC: &'static str = "Sends the client elsewhere.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let status = check(&self.status, cx.reader, |status| match status {
            301 | 302 | 303 | 307 | 308 => Ok(()),
            _ => Err(Problem::new(format!("{status} is not a redirect"))
                .help("write 301, 302, 303, 307 or 308")),
        });
        let kind = Kind::of(&self.to.value);
        let place = check(&self.to, cx.reader, |text| kind.check(text));
        let to = cx.template(&self.to)?;
        let (status, keep_query) = (status.then_some(self.status.value)?, self.query);
        place.then_some(())?;
        Some(Arc::new(Redirect { to, kind, status, keep_query, scratch: cx.slot() }))
    }
}

struct Redirect {
    to: Template,
    kind: Kind,
    status: u16,
    keep_query: QueryChoice,
    scratch: SlotId,
}

impl Filter for Redirect {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let location = self.location(exchange, cx.local(self.scratch));
        let reply = Reply::plain(self.status, ReplyBody::Empty);
        Verdict::reply(reply.with_header("Location", Bytes::from(location)))
    }
}

impl Redirect {
    fn location(&self, exchange: &Exchange, raw: &mut Vec<u8>) -> Vec<u8> {
        raw.clear();
        self.to.render(exchange, raw);
        let mut location = Vec::with_capacity(raw.len() + 64);
        let raw = match self.kind {
            Kind::Url => raw.as_slice(),
            Kind::Path => {
                location.push(b'/');
                // Browsers read `//` and `/\` at the start as a host.
                let slashes = raw.iter().take_while(|byte| matches!(byte, b'/' | b'\\'));
                raw.get(slashes.count()..).unwrap_or(&[])
            }
        };
        let hash = memchr::memchr(b'#', raw).unwrap_or(raw.len());
        let (place, fragment) = raw.split_at_checked(hash).unwrap_or((raw, &[]));
        push_encoded(place, &mut location);
        let query = exchange.request.query().filter(|query| !query.is_empty());
        let kept = query.filter(|_| self.keep_query == QueryChoice::Keep && !place.contains(&b'?'));
        if let Some(query) = kept {
            location.push(b'?');
            push_encoded(query, &mut location);
        }
        push_encoded(fragment, &mut location);
        location
    }
}

/// What `to` is, whatever its variables hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Path,
    Url,
}

impl Kind {
    fn of(to: &str) -> Self {
        match authority(to) {
            Some(_) => Self::Url,
            None => Self::Path,
        }
    }

    fn check(self, to: &str) -> Result<(), Problem> {
        match self {
            Self::Url => check_authority(authority(to).unwrap_or("")),
            Self::Path if to.starts_with("//") => {
                Err(Problem::new("a place without a scheme").help(format!("write `https:{to}`")))
            }
            Self::Path if to.starts_with(['/', '{']) => Ok(()),
            Self::Path => Err(Problem::new(format!("`{to}` is neither a path nor a URL"))
                .help("write `/new/path` or `https://host/path`")),
        }
    }
}

/// The host part of a URL's text, up to its path.
fn authority(to: &str) -> Option<&str> {
    let schemes = ["http://", "https://", "{scheme}://"];
    let rest = schemes.iter().find_map(|scheme| to.strip_prefix(scheme))?;
    Some(rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

/// The host must not be for the client to choose: of the variables only `{host}`, and those that begin with `/`.
fn check_authority(authority: &str) -> Result<(), Problem> {
    if authority.is_empty() {
        return Err(Problem::new("the URL has no host").help("write `https://host/path`"));
    }
    let path = ["{path}", "{uri}"].iter().find_map(|name| authority.strip_suffix(name));
    let host = path.unwrap_or(authority).replace("{host}", "host");
    match host.contains('{') || !portunus_http::valid_authority(host.as_bytes()) {
        true => Err(Problem::new(format!("`{authority}` does not name one host"))
            .help("write the host itself or `{host}`; other variables go after a `/`")),
        false => Ok(()),
    }
}

/// Writes what may stand in a URI as it is, and everything else percent-encoded (RFC 3986 section 2.1).
pub(crate) fn push_encoded(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | ..=b' ' | 0x7f.. => {
                let digit = |four: u8| HEX.get(usize::from(four)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
            plain => out.push(*plain),
        }
    }
}

#[cfg(test)]
mod tests;
