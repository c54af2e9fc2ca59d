//! `cors`: which pages of other origins may use this host (the Fetch standard, section 3.2).

use std::sync::Arc;
use std::time::Duration;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::{
    Header, HeaderId, HeaderList, Method, RequestHead, is_token_byte, list_has, list_items,
};
use portunus_spec::{Spanned, spec};

use crate::every::every;
use crate::origin::OriginPattern;

spec! {
    /// Tells browsers which pages of other origins may use this host, and answers their preflights.
    ///
    /// Stands before the filters that ask who it is: a preflight carries no credentials.
    pub struct CorsSpec {
        short = origins;
        /// Origins of pages: `https://app.example.com`, `https://*.example.com`, `http://localhost:*`,
        /// `~ a regex`, `null`, or `*` for all.
        origins: Vec<Spanned<String>>,
        /// Methods that pages may use; `*` for all.
        methods: Vec<Spanned<String>> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
            .map(|method| Spanned::none(method.to_owned()))
            .to_vec(),
        /// Headers that pages may send beyond the ones that are always allowed; `*` for all.
        headers: Vec<Spanned<String>> = vec![Spanned::none("*".to_owned())],
        /// Headers of answers that pages may read beyond the ones that they always may; `*` for all.
        expose: Vec<Spanned<String>> = Vec::new(),
        /// Whether pages may have the browser send cookies and other credentials.
        credentials: bool = false,
        /// For how long browsers remember the answer to a preflight.
        max_age: Duration = Duration::from_secs(600),
        /// Whether pages of the public internet may reach this host within a private network.
        private_network: bool = false,
    }
}

impl Buildable for CorsSpec {
    const NAME: &'static str = "cors";
    const DOC: &'static str = "Tells browsers which pages of other origins may use this host.";
    const REASONS: &'static [FilterReason] = &[FilterReason::new(
        "cors.origin",
        403,
        "A preflight of a page whose origin is not allowed.",
    )];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let origins = every(self.origins.iter().map(|text| OriginPattern::build(text, cx)));
        if self.origins.is_empty() {
            let error = cx.reader.error(cx.span, "`cors` allows no origin");
            error.help("write `origins: [https://app.example.com]`");
            return None;
        }
        let fine = self.check_credentials(cx);
        let methods = Names::build(&self.methods, cx);
        let headers = Names::build(&self.headers, cx);
        let expose = Names::build(&self.expose, cx);
        let (origins, methods, headers, expose) = (origins?, methods?, headers?, expose?);
        let for_all = matches!(origins.as_slice(), [OriginPattern::Any]) && !self.credentials;
        let cors = Cors {
            origins,
            for_all,
            methods,
            headers,
            expose: if expose.any { "*".into() } else { expose.list },
            credentials: self.credentials,
            max_age: self.max_age.as_secs().to_string(),
            private_network: self.private_network,
        };
        fine.then(|| Arc::new(cors) as Arc<dyn Filter>)
    }
}

impl CorsSpec {
    /// With credentials a star is no wildcard to browsers, and would let every page act for its visitors.
    fn check_credentials(&self, cx: &mut BuildCx<'_, '_>) -> bool {
        if !self.credentials {
            return true;
        }
        let mut fine = true;
        for origin in self.origins.iter().filter(|it| ["*", "null"].contains(&it.as_str())) {
            let message = format!("the origin `{}` cannot go with `credentials`", origin.value);
            let error = cx.reader.error(origin.span, message);
            error.help("list the origins that may act for their visitors");
            fine = false;
        }
        for name in self.expose.iter().filter(|name| name.value == "*") {
            let error = cx.reader.error(name.span, "browsers know no `*` here with `credentials`");
            error.help("list the headers");
            fine = false;
        }
        fine
    }
}

/// Methods or headers that are allowed.
struct Names {
    /// All are.
    any: bool,
    /// They, joined.
    list: Box<str>,
}

impl Names {
    fn build(names: &[Spanned<String>], cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let mut fine = true;
        for name in names {
            if name.is_empty() || !name.bytes().all(is_token_byte) {
                let message = format!("`{}` is not a name of HTTP", name.value);
                cx.reader.error(name.span, message).help("write one name per item of the list");
                fine = false;
            }
        }
        let any = names.iter().any(|name| name.value == "*");
        let list: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        fine.then(|| Self { any, list: list.join(", ").into() })
    }
}

struct Cors {
    origins: Vec<OriginPattern>,
    /// Every origin gets the same answer.
    for_all: bool,
    methods: Names,
    headers: Names,
    /// Empty for none.
    expose: Box<str>,
    credentials: bool,
    max_age: String,
    private_network: bool,
}

impl Filter for Cors {
    fn interest(&self) -> Interest {
        let phases = PhaseSet::NONE.with(Phase::Request).with(Phase::Response);
        Interest { phases, ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let preflight = is_preflight(exchange);
        let allowed = self.allow(exchange);
        if origin(&exchange.request).is_some() {
            let kind = if preflight { "preflight" } else { "request" };
            let verdict = if allowed { "allowed" } else { "not allowed" };
            cx.note(|| format!("{kind} of a page: its origin is {verdict}"));
        }
        match (preflight, allowed) {
            (false, _) => Verdict::Continue,
            (true, true) => {
                self.answer_preflight(exchange);
                let reply = Reply::plain(204, ReplyBody::Empty);
                Verdict::reply(reply.with_header("Vary", PREFLIGHT_VARY.join(", ")))
            }
            (true, false) => Verdict::reply(Reply::problem(403, "cors.origin")),
        }
    }

    fn on_response(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        // What is allowed is among the headers of every answer, which come after the upstream's own.
        let preflight = is_preflight(exchange);
        exchange.response_extra.retain(|header| !is_vary_origin(&header));
        let headers = &mut exchange.response.headers;
        headers.retain(|header| !is_ours(header.name));
        let vary: &[&str] = match (preflight, self.for_all) {
            (true, _) => PREFLIGHT_VARY,
            (false, true) => &[],
            (false, false) => &["Origin"],
        };
        vary.iter().for_each(|name| add_vary(headers, name));
        Verdict::Continue
    }
}

impl Cors {
    /// Tells the browser that the page may use the answer, whoever makes it. False when it may not.
    fn allow(&self, exchange: &mut Exchange) -> bool {
        let Exchange { request, response_extra: extra, .. } = exchange;
        if !self.for_all && !extra.iter().any(|header| is_vary_origin(&header)) {
            // For answers that no filter sees, as when no route takes the request; the others get it beside their own.
            extra.append_id(HeaderId::Vary, b"Origin");
        }
        let Some(origin) = origin(request) else {
            if self.for_all {
                extra.set(ALLOW_ORIGIN, b"*");
            }
            return false;
        };
        if !self.origins.iter().any(|pattern| pattern.fits(origin)) {
            return false;
        }
        extra.set(ALLOW_ORIGIN, if self.for_all { b"*" } else { origin });
        if self.credentials {
            extra.set(b"Access-Control-Allow-Credentials", b"true");
        }
        if !self.expose.is_empty() {
            extra.set(b"Access-Control-Expose-Headers", self.expose.as_bytes());
        }
        true
    }

    /// What a preflight is told. The browser compares; it also tells the developer of the page what is missing.
    fn answer_preflight(&self, exchange: &mut Exchange) {
        let Exchange { request, response_extra: extra, .. } = exchange;
        extra.remove(b"Access-Control-Expose-Headers");
        let method = request.headers.value(REQUEST_METHOD).unwrap_or(b"");
        let methods = match self.methods.any {
            true => method,
            false => self.methods.list.as_bytes(),
        };
        extra.set(b"Access-Control-Allow-Methods", methods);
        let asked = request.headers.value(REQUEST_HEADERS);
        match asked.filter(|asked| self.headers.any && is_name_list(asked)) {
            Some(asked) => extra.set(b"Access-Control-Allow-Headers", asked),
            None if self.headers.any || self.headers.list.is_empty() => {}
            None => extra.set(b"Access-Control-Allow-Headers", self.headers.list.as_bytes()),
        }
        extra.set(b"Access-Control-Max-Age", self.max_age.as_bytes());
        if self.private_network && request.headers.value(REQUEST_PRIVATE) == Some(b"true") {
            extra.set(b"Access-Control-Allow-Private-Network", b"true");
        }
    }
}

/// The origin of the page; several of them are none.
fn origin(request: &RequestHead) -> Option<&[u8]> {
    let mut origins = request.headers.values_of(HeaderId::Origin);
    origins.next().filter(|_| origins.next().is_none())
}

fn is_preflight(exchange: &Exchange) -> bool {
    let request = &exchange.request;
    let method = request.headers.value(REQUEST_METHOD);
    request.method == Method::Options
        && request.headers.has(HeaderId::Origin)
        && method
            .is_some_and(|method| !method.is_empty() && method.iter().all(|b| is_token_byte(*b)))
}

fn is_name_list(value: &[u8]) -> bool {
    list_items(value).all(|name| name.iter().all(|byte| is_token_byte(*byte)))
}

/// Headers that only this filter gives.
fn is_ours(name: &[u8]) -> bool {
    let prefix = name.get(..PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

fn is_vary_origin(header: &Header<'_>) -> bool {
    header.id == HeaderId::Vary && header.value == b"Origin"
}

fn add_vary(headers: &mut HeaderList, name: &str) {
    let told = |value: &[u8]| list_has(value, name.as_bytes()) || list_has(value, b"*");
    if !headers.values_of(HeaderId::Vary).any(told) {
        headers.append_id(HeaderId::Vary, name.as_bytes());
    }
}

const ALLOW_ORIGIN: &[u8] = b"Access-Control-Allow-Origin";
const PREFIX: &[u8] = b"Access-Control-";
const REQUEST_HEADERS: &[u8] = b"Access-Control-Request-Headers";
const REQUEST_METHOD: &[u8] = b"Access-Control-Request-Method";
const REQUEST_PRIVATE: &[u8] = b"Access-Control-Request-Private-Network";
const PREFLIGHT_VARY: &[&str] =
    &["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];

#[cfg(test)]
mod tests;
