//! `csrf`: no page of another origin may act for its visitors.
//!
//! Browsers tell where a request comes from (`Sec-Fetch-Site`, `Origin`), so that no token is needed.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::{HeaderId, Method};
use portunus_spec::{Spanned, spec};
use portunus_telemetry::DecisionId;

use crate::every::every;
use crate::origin::OriginPattern;

spec! {
    /// Refuses requests with which a page of another origin would act for its visitors: those of an unsafe method,
    /// and WebSockets.
    pub struct CsrfSpec {
        short = trusted_origins;
        /// Origins whose pages may: `https://app.example.com`, `https://*.example.com`, `~ a regex`.
        trusted_origins: Vec<Spanned<String>> = Vec::new(),
        /// Whether such requests are only counted.
        dry_run: bool = false,
    }
}

impl Buildable for CsrfSpec {
    const NAME: &'static str = "csrf";
    const DOC: &'static str =
        "Refuses requests with which pages of other origins act for visitors.";
    const REASONS: &'static [FilterReason] = &[FilterReason::new(
        "csrf.cross_origin",
        403,
        "A page of another origin made the browser send this request.",
    )];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let trusted = every(self.trusted_origins.iter().map(|text| OriginPattern::build(text, cx)));
        let denied = cx.decision(if self.dry_run { "would_deny" } else { "denied" });
        Some(Arc::new(Csrf { trusted: trusted?, dry_run: self.dry_run, denied }))
    }
}

struct Csrf {
    trusted: Vec<OriginPattern>,
    dry_run: bool,
    denied: DecisionId,
}

impl Filter for Csrf {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        if is_safe(exchange) || self.is_welcome(exchange) {
            return Verdict::Continue;
        }
        cx.count(self.denied);
        cx.note(|| "a page of another origin sends this".to_owned());
        match self.dry_run {
            true => Verdict::Continue,
            false => Verdict::reply(Reply::problem(403, "csrf.cross_origin")),
        }
    }
}

impl Csrf {
    fn is_welcome(&self, exchange: &Exchange) -> bool {
        let headers = &exchange.request.headers;
        let site = headers.value(b"Sec-Fetch-Site");
        let origin = headers.value_of(HeaderId::Origin);
        let same = match (site, origin) {
            (Some(site), _) => matches!(site, b"same-origin" | b"none"),
            // Neither header: no browser of these days, which tells of every other origin.
            (None, None) => true,
            (None, Some(origin)) => is_own(origin, exchange.request.authority()),
        };
        same || origin.is_some_and(|origin| self.trusted.iter().any(|known| known.fits(origin)))
    }
}

/// Whether the request can change nothing. A WebSocket can, though it begins with a GET, and any page may open one.
fn is_safe(exchange: &Exchange) -> bool {
    let method = exchange.request.method;
    let reads = matches!(method, Method::Get | Method::Head | Method::Options);
    reads && exchange.attributes.value(UPGRADE).is_none()
}

/// Whether the origin is the host that is asked. The scheme is left out: what ends TLS before us may not tell it.
fn is_own(origin: &[u8], authority: &[u8]) -> bool {
    let mark = memchr::memmem::find(origin, b"://").map(|at| at + 3);
    let host = mark.and_then(|at| origin.get(at..));
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

/// The attribute of requests that want another protocol.
const UPGRADE: &str = "upgrade";

#[cfg(test)]
mod tests;
