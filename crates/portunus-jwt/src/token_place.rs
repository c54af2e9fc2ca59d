//! Where a bearer token stands in a request (RFC 6750 section 2).

use portunus_exchange::Exchange;
use portunus_http::{HeaderId, HeaderList, RequestHead, is_token_byte, query_pairs};
use portunus_spec::{Reader, Spanned, spec};

spec! {
    /// Where a token stands in a request. The first place that has one counts, in the order below.
    pub struct FromSpec {
        short = header;
        /// A header: `Authorization` after the word `Bearer`, any other one with or without it.
        header: Option<Spanned<String>>,
        /// A cookie.
        cookie: Option<Spanned<String>>,
        /// A parameter of the query. Queries end up in logs: better use a header.
        query: Option<Spanned<String>>,
    }
}

/// Where a token stands in a request.
#[derive(Debug)]
pub(crate) struct TokenPlace {
    header: Option<(HeaderId, Box<[u8]>)>,
    cookie: Option<Box<[u8]>>,
    query: Option<Box<[u8]>>,
}

/// What a request shows.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Shown<'r> {
    Nothing,
    Token(&'r [u8]),
    /// More than one in one place: nobody can tell which one an upstream would take.
    Several,
}

impl TokenPlace {
    /// The `Authorization` header, or what the user wrote.
    pub(crate) fn build(spec: Option<&FromSpec>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(spec) = spec else {
            let header = Some((HeaderId::Authorization, b"Authorization"[..].into()));
            return Some(Self { header, cookie: None, query: None });
        };
        let mut name = |name: &Option<Spanned<String>>| match name {
            Some(name) => token(name, reader).map(Some),
            None => Some(None),
        };
        let (header, cookie) = (name(&spec.header), name(&spec.cookie));
        let query = spec.query.as_ref().map(|name| name.value.as_bytes().into());
        let header = header?.map(|name| (HeaderId::of(&name), name));
        Some(Self { header, cookie: cookie?, query })
    }

    /// What a request shows.
    pub(crate) fn find<'r>(&'r self, request: &'r RequestHead) -> Shown<'r> {
        let header = self.header.as_ref().map(|(id, name)| match id {
            HeaderId::Authorization => only(request.headers.values_of(*id).filter_map(bearer)),
            _ => only(request.headers.values(name).map(|value| bearer(value).unwrap_or(value))),
        });
        let cookie = || self.cookie.as_ref().map(|name| only(cookies(&request.headers, name)));
        let query = || self.query.as_ref().map(|name| only(parameters(request, name)));
        let is_something = |shown: &Shown<'_>| *shown != Shown::Nothing;
        let header = header.filter(is_something);
        let shown = header.or_else(|| cookie().filter(is_something)).or_else(query);
        shown.unwrap_or(Shown::Nothing)
    }

    /// Keeps a token of the query out of the logs, whether it is good or bad.
    pub(crate) fn hide(&self, exchange: &mut Exchange) {
        if let Some(name) = &self.query {
            exchange.hide_parameter(name);
        }
    }

    /// Takes the token out of the request, so that the upstream does not get it.
    pub(crate) fn strip(&self, exchange: &mut Exchange) {
        let request = &mut exchange.request;
        match &self.header {
            Some((HeaderId::Authorization, _)) => request.headers.retain(|header| {
                header.id != HeaderId::Authorization || bearer(header.value).is_none()
            }),
            Some((_, name)) => _ = request.headers.remove(name),
            None => {}
        }
        if let Some(name) = &self.cookie {
            strip_cookie(&mut request.headers, name);
        }
        if let Some(name) = &self.query {
            strip_parameter(request, name);
        }
    }
}

/// The token after the word `Bearer`, which has no case.
pub(crate) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER).then(|| token.trim_ascii())
}

fn only<'r>(mut tokens: impl Iterator<Item = &'r [u8]>) -> Shown<'r> {
    match (tokens.next(), tokens.next()) {
        (None, _) => Shown::Nothing,
        (Some(token), None) => Shown::Token(token),
        (Some(_), Some(_)) => Shown::Several,
    }
}

/// The values of a cookie (RFC 6265 section 5.4).
fn cookies<'r>(headers: &'r HeaderList, name: &'r [u8]) -> impl Iterator<Item = &'r [u8]> {
    let pairs = headers.values_of(HeaderId::Cookie).flat_map(|value| value.split(|b| *b == b';'));
    pairs.filter_map(move |pair| {
        let value = named_pair(pair, name)?;
        Some(value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(value))
    })
}

/// The value of a pair `name=value` of that name.
fn named_pair<'r>(pair: &'r [u8], name: &[u8]) -> Option<&'r [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name)?;
    rest.strip_prefix(b"=")
}

fn parameters<'r>(request: &'r RequestHead, name: &'r [u8]) -> impl Iterator<Item = &'r [u8]> {
    let pairs = query_pairs(request.query().unwrap_or(b""));
    pairs.filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

fn strip_cookie(headers: &mut HeaderList, name: &[u8]) {
    if cookies(headers, name).next().is_none() {
        return;
    }
    let pairs = headers.values_of(HeaderId::Cookie).flat_map(|value| value.split(|b| *b == b';'));
    let rest = pairs.map(<[u8]>::trim_ascii).filter(|pair| named_pair(pair, name).is_none());
    let rest = rest.filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join(&b"; "[..]);
    if rest.is_empty() {
        headers.remove_id(HeaderId::Cookie);
    } else {
        headers.set_id(HeaderId::Cookie, &rest);
    }
}

fn strip_parameter(request: &mut RequestHead, name: &[u8]) {
    if parameters(request, name).next().is_none() {
        return;
    }
    let pairs = request.query().unwrap_or(b"").split(|b| *b == b'&');
    let is_other = |pair: &&[u8]| *pair != name && named_pair(pair, name).is_none();
    let rest = pairs.filter(is_other).collect::<Vec<_>>().join(&b'&');
    request.set_query(if rest.is_empty() { None } else { Some(&rest) });
}

fn token(name: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Box<[u8]>> {
    if !name.is_empty() && name.bytes().all(is_token_byte) {
        return Some(name.as_bytes().into());
    }
    let error = reader.error(name.span, format!("`{}` is not a name of that kind", name.value));
    error.help("write letters, digits and `-`");
    None
}

const BEARER: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests;
