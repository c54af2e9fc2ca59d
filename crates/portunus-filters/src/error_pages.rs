//! `error_pages`: own pages in place of error answers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, Verdict};
use portunus_http::HeaderId;
use portunus_spec::{Named, Spanned, check, spec};

use crate::every::every;
use crate::respond::Body;
use portunus_filter::check_value;

spec! {
    /// Own pages in place of error answers. Status and reason stay what they are.
    pub struct ErrorPagesSpec {
        /// Pages by status: `404`, or `4xx` and `5xx` for all statuses of a class that have no page of their own.
        pages: Named<PageSpec>,
        /// Whether error answers of the upstream are replaced too, not only those that the proxy makes.
        upstream: bool = false,
    }
}

spec! {
    /// One page: a text, or a file.
    pub struct PageSpec {
        short = body;
        /// Text of the page. Variables are filled in; in HTML, XML and JSON their values are escaped.
        body: Option<Spanned<String>>,
        /// A file with the page, read when the configuration is loaded and sent as it is, without variables.
        file: Option<Spanned<String>>,
        /// Media type of the page.
        content_type: Spanned<String> = Spanned::none("text/html; charset=utf-8".to_owned()),
    }
}

impl Buildable for ErrorPagesSpec {
    const NAME: &'static str = "error_pages";
    const DOC: &'static str = "Answers errors with own pages; status and reason stay.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        if self.pages.is_empty() {
            let error = cx.reader.error(cx.span, "`error_pages` has no page");
            error.help("write `pages: {404: text of the page}`");
            return None;
        }
        let pages = self.pages.iter().map(|(key, page)| {
            let (statuses, body) = (statuses(key, cx), page.build(key, cx));
            Some((statuses?, body?))
        });
        let mut pages: Vec<(RangeInclusive<u16>, Body)> = every(pages)?;
        pages.sort_by_key(|(statuses, _)| statuses.len());
        Some(Arc::new(ErrorPages { pages, upstream: self.upstream }))
    }
}

fn statuses(key: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<RangeInclusive<u16>> {
    match key.as_str() {
        "4xx" => return Some(400..=499),
        "5xx" => return Some(500..=599),
        _ => {}
    }
    let status = key.parse().ok().filter(|status| (400..=599).contains(status));
    if status.is_none() {
        let message = format!("`{}` is not a status of an error", key.value);
        cx.reader.error(key.span, message).help("write 400 to 599, `4xx` or `5xx`");
    }
    status.map(|status| status..=status)
}

impl PageSpec {
    fn build(&self, key: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Body> {
        let fine = check(&self.content_type, cx.reader, |text| check_value(text));
        let body = match (&self.body, &self.file) {
            (Some(text), None) => Body::build(text, &self.content_type, cx),
            (None, Some(path)) => match cx.reader.lookup().file(path) {
                Ok(text) => Some(Body::fixed(text, &self.content_type)),
                Err(message) => {
                    cx.reader.error(path.span, message);
                    None
                }
            },
            (_, second) => {
                let span = second.as_ref().map_or(key.span, |file| file.span);
                cx.reader
                    .error(span, "a page is either a `body` or a `file`")
                    .help("write one of them");
                None
            }
        };
        body.filter(|_| fine)
    }
}

struct ErrorPages {
    /// Single statuses first, then classes.
    pages: Vec<(RangeInclusive<u16>, Body)>,
    upstream: bool,
}

impl Filter for ErrorPages {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Response), ..Interest::default() }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        let status = exchange.response.status;
        let page = self.pages.iter().find(|(statuses, _)| statuses.contains(&status));
        let Some((_, body)) = page else { return Verdict::Continue };
        // The page is an answer of our own: without the mark it would be replaced again.
        let is_page = exchange.attributes.value(ATTRIBUTE).is_some();
        if is_page || !(self.upstream || is_ours(exchange)) {
            return Verdict::Continue;
        }
        exchange.attributes.set(ATTRIBUTE, b"1");
        let mut reply = Reply::plain(status, ReplyBody::Empty);
        reply.reason = exchange.reason;
        reply.headers = kept_headers(exchange);
        Verdict::reply(body.put(exchange, reply))
    }
}

/// True when no upstream made the answer.
fn is_ours(exchange: &Exchange) -> bool {
    exchange.reason.is_some() || exchange.attempts == 0
}

/// What the answer says beside its body: `WWW-Authenticate`, `Retry-After`, cookies.
fn kept_headers(exchange: &Exchange) -> Vec<(Bytes, Bytes)> {
    let kept = exchange.response.headers.iter().filter(|header| !tells_of_body(header.id));
    let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    kept.map(|header| (copy(header.name), copy(header.value))).collect()
}

/// Headers of the old body (RFC 9110 section 8), and those that every answer of our own gets anew.
fn tells_of_body(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::AcceptRanges
            | HeaderId::Connection
            | HeaderId::ContentDisposition
            | HeaderId::ContentEncoding
            | HeaderId::ContentLanguage
            | HeaderId::ContentLength
            | HeaderId::ContentLocation
            | HeaderId::ContentRange
            | HeaderId::ContentType
            | HeaderId::Date
            | HeaderId::Etag
            | HeaderId::KeepAlive
            | HeaderId::LastModified
            | HeaderId::ProxyStatus
            | HeaderId::Server
            | HeaderId::Trailer
            | HeaderId::TransferEncoding
    )
}

const ATTRIBUTE: &str = "error_page";

#[cfg(test)]
mod tests;
