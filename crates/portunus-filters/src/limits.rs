//! `limits`: bounds on the size of requests.

use std::sync::Arc;

use portunus_base::ByteSize;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::HeaderId;
use portunus_spec::spec;

spec! {
    /// Bounds on the size of requests. Where several bounds meet, as of host and route, each of them holds.
    pub struct LimitsSpec {
        short = body_max;
        /// Largest body, also of one whose length is not known before its end; more is answered with 413.
        body_max: Option<ByteSize>,
        /// All headers together, as they stand on the wire in HTTP/1; more is answered with 431.
        header_bytes_max: Option<ByteSize>,
        /// Number of headers; more is answered with 431.
        headers_max: Option<usize>,
        /// Path and query together; more is answered with 414.
        uri_max: Option<ByteSize>,
    }
}

impl Buildable for LimitsSpec {
    const NAME: &'static str = "limits";
    const DOC: &'static str = "Bounds the size of requests: body, headers, URI.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new(
            "limit.body",
            413,
            "The body of the request is larger than the filter allows.",
        ),
        FilterReason::new(
            "limit.headers",
            431,
            "The request has more headers, or larger ones, than the filter allows.",
        ),
        FilterReason::new(
            "limit.uri",
            414,
            "The target of the request is longer than the filter allows.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let sizes = [self.body_max, self.header_bytes_max, self.uri_max];
        if self.headers_max.is_none() && sizes.iter().all(Option::is_none) {
            let error = cx.reader.error(cx.span, "`limits` has no limit");
            error.help("write `body_max: 10MiB`, `header_bytes_max`, `headers_max` or `uri_max`");
            return None;
        }
        let bytes = |size: Option<ByteSize>| size.map_or(u64::MAX, |size| size.0);
        Some(Arc::new(Limits {
            body_bytes_max: self.body_max.map(|size| size.0),
            header_bytes_max: bytes(self.header_bytes_max),
            headers_max: self.headers_max.unwrap_or(usize::MAX),
            uri_bytes_max: bytes(self.uri_max),
        }))
    }
}

struct Limits {
    body_bytes_max: Option<u64>,
    header_bytes_max: u64,
    headers_max: usize,
    uri_bytes_max: u64,
}

impl Filter for Limits {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        let request = &exchange.request;
        let uri_bytes = request.path().len() + request.query().map_or(0, |query| query.len() + 1);
        if uri_bytes as u64 > self.uri_bytes_max {
            return Verdict::reply(Reply::problem(414, "limit.uri"));
        }
        let headers = &request.headers;
        let many = headers.len() > self.headers_max;
        if many || headers.wire_bytes() as u64 > self.header_bytes_max {
            return Verdict::reply(Reply::problem(431, "limit.headers"));
        }
        self.body_bytes_max.map_or(Verdict::Continue, |max| limit_body(exchange, max))
    }
}

fn limit_body(exchange: &mut Exchange, max: u64) -> Verdict {
    let max = exchange.request_body_max.map_or(max, |other| other.min(max));
    exchange.request_body_max = Some(max);
    match exchange.request.headers.value_of(HeaderId::ContentLength).map(length) {
        Some(bytes) if bytes > max => Verdict::reply(Reply::problem(413, "limit.body")),
        _ => Verdict::Continue,
    }
}

/// A declared length; what is no number within 64 bits is larger than every limit.
fn length(value: &[u8]) -> u64 {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
