//! Places in a request where a key may stand.

use std::fmt;

use portunus_exchange::Exchange;
use portunus_http::{HeaderId, RequestHead, percent_decode_into};

/// A place in a request where a key may stand.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Header(Box<str>),
    /// In `Authorization`, after a scheme.
    Authorization,
    Query(Box<str>),
    Cookie(Box<str>),
}

/// Why a place has no single key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// It has several.
    Twice,
}

impl Place {
    pub(super) fn header(name: &str) -> Self {
        match HeaderId::of(name.as_bytes()) {
            HeaderId::Authorization => Self::Authorization,
            _ => Self::Header(name.into()),
        }
    }

    pub(super) fn query(name: &str) -> Self {
        Self::Query(name.into())
    }

    pub(super) fn cookie(name: &str) -> Self {
        Self::Cookie(name.into())
    }

    /// The key that stands there.
    pub(super) fn find(&self, request: &RequestHead) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Self::Header(name) => only(request.headers.values(name.as_bytes()).map(<[u8]>::to_vec)),
            Self::Authorization => {
                let values = request.headers.values_of(HeaderId::Authorization);
                only(values.map(<[u8]>::to_vec)).map(|value| value.and_then(|it| after_scheme(&it)))
            }
            Self::Query(name) => {
                let named = pairs(request.query()).filter(|pair| is_named(pair, name));
                only(named.map(|pair| decoded(value_of(pair))))
            }
            Self::Cookie(name) => {
                let values = request.headers.values_of(HeaderId::Cookie);
                let cookies =
                    values.flat_map(cookies).filter(|cookie| name_of(cookie) == name.as_bytes());
                only(cookies.map(|cookie| value_of(cookie).to_vec()))
            }
        }
    }

    /// Takes the key out of a request.
    pub(super) fn strip(&self, request: &mut RequestHead) {
        match self {
            Self::Header(name) => _ = request.headers.remove(name.as_bytes()),
            Self::Authorization => _ = request.headers.remove_id(HeaderId::Authorization),
            Self::Query(name) => {
                if pairs(request.query()).any(|pair| is_named(pair, name)) {
                    let kept = pairs(request.query()).filter(|pair| !is_named(pair, name));
                    let kept = kept.collect::<Vec<_>>().join(&b'&');
                    request.set_query(Some(&*kept).filter(|query| !query.is_empty()));
                }
            }
            Self::Cookie(name) => strip_cookie(name, request),
        }
    }

    /// Keeps a key of the query out of the logs, whether it is right or wrong.
    pub(super) fn hide(&self, exchange: &mut Exchange) {
        if let Self::Query(name) = self {
            exchange.hide_parameter(name.as_bytes());
        }
    }
}

/// For the challenge: where a key is expected.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Authorization => f.write_str("header Authorization"),
            Self::Query(name) => write!(f, "query {name}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
        }
    }
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Result<Option<T>, Fault> {
    let first = found.next();
    if found.next().is_some() { Err(Fault::Twice) } else { Ok(first) }
}

/// What follows `ApiKey` or `Bearer`; another scheme is nothing for us.
fn after_scheme(value: &[u8]) -> Option<Vec<u8>> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, key) = value.split_at_checked(space)?;
    let known = [&b"apikey"[..], b"bearer"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    known.then(|| key.trim_ascii().to_vec())
}

fn pairs(query: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
    query.unwrap_or(&[]).split(|byte| *byte == b'&').filter(|pair| !pair.is_empty())
}

/// Names are compared decoded: what the upstream would read as the key's name is one.
fn is_named(pair: &[u8], name: &str) -> bool {
    decoded(name_of(pair)) == name.as_bytes()
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or(&[])
}

fn value_of(pair: &[u8]) -> &[u8] {
    let eq = pair.iter().position(|byte| *byte == b'=');
    eq.and_then(|eq| pair.get(eq + 1..)).unwrap_or(&[])
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    percent_decode_into(text, &mut decoded);
    decoded
}

fn cookies(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    parts.filter(|cookie| !cookie.is_empty())
}

fn strip_cookie(name: &str, request: &mut RequestHead) {
    let headers = &request.headers;
    let all = || headers.values_of(HeaderId::Cookie).flat_map(cookies);
    if !all().any(|cookie| name_of(cookie) == name.as_bytes()) {
        return;
    }
    let kept = all()
        .filter(|cookie| name_of(cookie) != name.as_bytes())
        .collect::<Vec<_>>()
        .join(&b"; "[..]);
    request.headers.remove_id(HeaderId::Cookie);
    if !kept.is_empty() {
        request.headers.append_id(HeaderId::Cookie, &kept);
    }
}
