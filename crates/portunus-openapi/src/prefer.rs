//! `Prefer` (RFC 7240): what a client would like of an answer.

use portunus_http::{HeaderList, list_items};

/// Preferences with their values, in the order in which they came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Preferences(Vec<(String, String)>);

impl Preferences {
    /// Reads all `Prefer` headers. What is no preference is left out, as the client may not insist on any.
    pub(crate) fn read(headers: &HeaderList) -> Self {
        let items = headers.values(b"Prefer").flat_map(list_items);
        Self(items.take(PREFERENCES_MAX).filter_map(preference).collect())
    }

    /// The value of a preference; of several the first counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// `name`, `name=word` or `name="text"`; parameters behind a semicolon are not looked at.
fn preference(item: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(item).ok()?;
    let (name, rest) = match text.find(['=', ';']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    let value = match rest.strip_prefix('=').map(str::trim_start) {
        Some(value) => match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => value.split(';').next()?.trim().to_owned(),
        },
        None => String::new(),
    };
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(portunus_http::is_token_byte);
    is_name.then(|| (name.to_owned(), value))
}

/// A quoted text up to its closing quote.
fn unquoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

/// Most preferences that are looked at.
const PREFERENCES_MAX: usize = 16;

#[cfg(test)]
mod tests;
