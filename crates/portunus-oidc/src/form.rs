//! `application/x-www-form-urlencoded`: what goes to a provider, and what comes back in a query or a body.

use portunus_http::{form_decoded, is_unreserved, percent_encode_into, query_pairs};

/// Pairs as a form, with `%20` for a space: it stands in URLs too.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = Vec::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        percent_encode_into(name.as_bytes(), is_unreserved, &mut out);
        out.push(b'=');
        percent_encode_into(value.as_bytes(), is_unreserved, &mut out);
    }
    // It is ASCII.
    String::from_utf8(out).unwrap_or_default()
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
    String::from_utf8(form_decoded(text)).ok()
}

/// More parts than any answer of a provider has.
const PAIRS_MAX: usize = 32;

#[cfg(test)]
mod tests;
