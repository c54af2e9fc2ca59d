//! `application/x-www-form-urlencoded`: what goes to a provider, and what comes back in a query or a body.

use portunus_http::{percent_decode_into, query_pairs};

/// Pairs as a form.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode_into(name, &mut out);
        out.push('=');
        encode_into(value, &mut out);
    }
    out
}

/// One value, escaped but for unreserved characters (RFC 3986 section 2.3).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    encode_into(text, &mut out);
    out
}

fn encode_into(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
}

/// The parameters of a query or a form.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads one. `None` when it is no text, has too many parts, or says a thing twice (RFC 6749 section 3.1).
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in query_pairs(bytes) {
            let (name, value) = (decode(name)?, decode(value)?);
            if pairs.len() == PAIRS_MAX || pairs.iter().any(|(known, _)| *known == name) {
                return None;
            }
            pairs.push((name, value));
        }
        Some(Self(pairs))
    }

    /// The value of a name; an empty one counts as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }
}

fn decode(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let mut out = Vec::new();
    percent_decode_into(&spaced, &mut out);
    String::from_utf8(out).ok()
}

/// More parts than any answer of a provider has.
const PAIRS_MAX: usize = 32;

#[cfg(test)]
mod tests;
