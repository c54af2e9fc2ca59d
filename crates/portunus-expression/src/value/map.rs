//! Maps: most are views of the exchange, where a key is looked up only when it is asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use portunus_http::{HeaderId, HeaderList, form_decoded, percent_decode_into, query_pairs};
use portunus_route::Params;

use super::Value;
use crate::compare;

/// A map: of the exchange, or made by the expression.
#[derive(Clone, Debug)]
pub(crate) enum Map<'e> {
    Headers(&'e HeaderList),
    Cookies(&'e HeaderList),
    Query(&'e [u8]),
    Params(&'e Params),
    Attributes(&'e BTreeMap<Box<str>, Box<str>>),
    Json(&'e serde_json::Map<String, serde_json::Value>),
    Made(Arc<[(Value<'e>, Value<'e>)]>),
}

impl<'e> Map<'e> {
    /// The value of a key.
    pub(crate) fn value(&self, key: &Value<'_>) -> Option<Value<'e>> {
        if let Self::Made(entries) = self {
            let mut entries = entries.iter();
            return entries.find(|(known, _)| compare::equal(known, key)).map(|(_, it)| it.clone());
        }
        match key {
            Value::Text(name) => self.named(name),
            _ => None,
        }
    }

    /// The value of a text key.
    pub(crate) fn named(&self, name: &str) -> Option<Value<'e>> {
        match self {
            Self::Headers(headers) => header(headers, name),
            Self::Cookies(headers) => cookie(headers, name).map(Value::text),
            Self::Query(query) => query_value(query, name),
            Self::Params(params) => params.value(name).map(decoded),
            Self::Attributes(map) => map.get(name).map(|text| Value::Text((&**text).into())),
            Self::Json(map) => map.get(name).map(Value::json),
            Self::Made(_) => self.value(&Value::Text(name.into())),
        }
    }

    /// The keys, each once, in no particular order.
    pub(crate) fn keys(&self) -> Vec<Value<'e>> {
        let names = match self {
            Self::Headers(headers) => {
                let lower = |name: &[u8]| {
                    let name = String::from_utf8_lossy(name);
                    Cow::Owned(name.to_ascii_lowercase())
                };
                headers.iter().map(|header| lower(header.name)).collect()
            }
            Self::Cookies(headers) => {
                cookie_pairs(headers).map(|(name, _)| String::from_utf8_lossy(name)).collect()
            }
            Self::Query(query) => query_pairs(query).map(|(name, _)| form_text(name)).collect(),
            Self::Params(params) => {
                params.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect()
            }
            Self::Attributes(map) => map.keys().map(|name| Cow::Borrowed(&**name)).collect(),
            Self::Json(map) => map.keys().map(|name| Cow::Borrowed(name.as_str())).collect(),
            Self::Made(entries) => return entries.iter().map(|(key, _)| key.clone()).collect(),
        };
        once(names)
    }

    /// See [`Value::into_static`].
    pub(crate) fn into_static(self) -> Map<'static> {
        let entry = |key: Value<'e>| {
            let value = self.value(&key).unwrap_or(Value::Null).into_static();
            (key.into_static(), value)
        };
        let entries: Vec<_> = self.keys().into_iter().map(entry).collect();
        Map::Made(entries.into())
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Headers(_) | Self::Cookies(_) | Self::Query(_) => self.keys().len(),
            Self::Params(params) => params.iter().count(),
            Self::Attributes(map) => map.len(),
            Self::Json(map) => map.len(),
            Self::Made(entries) => entries.len(),
        }
    }

    /// See [`Value::weight`]: what it costs to list the keys, or to compare the whole.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Headers(headers) => headers.len() * 4,
            Self::Cookies(_) | Self::Query(_) => self.lookup() * 4,
            Self::Params(params) => params.iter().count(),
            Self::Attributes(map) => map.len(),
            Self::Json(map) => map.values().map(|value| Value::json(value).weight() + 1).sum(),
            Self::Made(entries) => {
                entries.iter().map(|(key, value)| key.weight() + value.weight() + 1).sum()
            }
        }
    }

    /// How many steps it costs to find a key.
    pub(crate) fn lookup(&self) -> usize {
        match self {
            Self::Headers(headers) => headers.len() / 8,
            Self::Cookies(headers) => {
                let bytes: usize = headers.values_of(HeaderId::Cookie).map(<[u8]>::len).sum();
                bytes / BYTES_SEARCHED_PER_STEP
            }
            Self::Query(query) => query.len() / BYTES_SEARCHED_PER_STEP,
            Self::Made(entries) => entries.len() / 2,
            _ => 0,
        }
    }
}

fn once(mut names: Vec<Cow<'_, str>>) -> Vec<Value<'_>> {
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(Value::Text).collect()
}

/// A header; several lines of one name are one value (RFC 9110 section 5.3).
fn header<'e>(headers: &'e HeaderList, name: &str) -> Option<Value<'e>> {
    let id = HeaderId::of(name.as_bytes());
    let mut lines = headers.iter().filter(|header| {
        header.id == id
            && (id != HeaderId::Other || header.name.eq_ignore_ascii_case(name.as_bytes()))
    });
    let first = lines.next()?.value;
    let Some(second) = lines.next() else { return Some(Value::text(first)) };
    let mut joined = first.to_vec();
    for value in [second.value].into_iter().chain(lines.map(|header| header.value)) {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(value);
    }
    Some(Value::Text(String::from_utf8_lossy(&joined).into_owned().into()))
}

/// The first value of a cookie.
pub(crate) fn cookie<'e>(headers: &'e HeaderList, name: &str) -> Option<&'e [u8]> {
    cookie_pairs(headers).find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

fn cookie_pairs(headers: &HeaderList) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = headers.values_of(HeaderId::Cookie);
    pairs.flat_map(|value| value.split(|byte| *byte == b';')).filter_map(|pair| {
        let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
        Some((name.trim_ascii(), value.get(1..).unwrap_or(b"").trim_ascii()))
    })
}

/// The first value of a parameter, decoded.
fn query_value<'e>(query: &'e [u8], name: &str) -> Option<Value<'e>> {
    let found = query_pairs(query).find(|(found, _)| form_text(found) == name);
    found.map(|(_, value)| Value::Text(form_text(value)))
}

/// Text as forms write it: escapes, and `+` for a space.
fn form_text(text: &[u8]) -> Cow<'_, str> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return String::from_utf8_lossy(text);
    }
    Cow::Owned(String::from_utf8_lossy(&form_decoded(text)).into_owned())
}

/// A part of the path without its escapes.
fn decoded(text: &[u8]) -> Value<'_> {
    match memchr::memchr(b'%', text) {
        None => Value::text(text),
        Some(_) => Value::Text(Cow::Owned(unescaped(text))),
    }
}

fn unescaped(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    percent_decode_into(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Bytes of names and values that are searched for a key in one step.
const BYTES_SEARCHED_PER_STEP: usize = 16;

#[cfg(test)]
mod tests;
