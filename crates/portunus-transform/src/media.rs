//! Which bodies a transformation is for.

use portunus_http::{HeaderId, HeaderList};

/// What a body is, by its headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Json,
    Form,
    Other,
}

/// The media types that are meant.
#[derive(Debug)]
pub(crate) enum Types {
    /// Those written: `application/json`, `text/*`, `*/*`.
    Written(Vec<Box<str>>),
    /// JSON, forms, or both.
    Usual { json: bool, form: bool },
    /// Each, and none.
    All,
}

/// Why a body is left as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Untouched {
    /// It is compressed, or otherwise encoded.
    Encoded,
    /// It is of another type.
    Type(String),
    /// There is none.
    Empty,
}

impl Types {
    /// Whether these headers belong to a body that is meant; what it is.
    pub(crate) fn kind(&self, headers: &HeaderList) -> Result<Kind, Untouched> {
        let is_encoded = |value: &[u8]| !value.trim_ascii().eq_ignore_ascii_case(b"identity");
        if headers.values_of(HeaderId::ContentEncoding).any(is_encoded) {
            return Err(Untouched::Encoded);
        }
        let written = headers.value_of(HeaderId::ContentType).unwrap_or(b"");
        let essence = essence(written);
        let kind = kind_of(&essence);
        let is_meant = match self {
            Self::All => true,
            Self::Usual { json, form } => match kind {
                Kind::Json => *json,
                Kind::Form => *form,
                Kind::Other => false,
            },
            Self::Written(ranges) => ranges.iter().any(|range| in_range(&essence, range)),
        };
        if is_meant { Ok(kind) } else { Err(Untouched::Type(essence)) }
    }
}

/// Whether the text of a body of this type is UTF-8, as far as its type tells.
pub(crate) fn is_utf8(headers: &HeaderList) -> bool {
    let value = headers.value_of(HeaderId::ContentType).unwrap_or(b"");
    let charset = value.split(|byte| *byte == b';').skip(1).find_map(|parameter| {
        let text = std::str::from_utf8(parameter).ok()?;
        let (name, value) = text.split_once('=')?;
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    charset.is_none_or(|name| matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii" | "ascii"))
}

/// Whether this may stand in a list of types.
pub(crate) fn is_range(text: &str) -> bool {
    let Some((kind, subtype)) = text.split_once('/') else { return false };
    let is_token = |part: &str| !part.is_empty() && part.bytes().all(portunus_http::is_token_byte);
    is_token(kind) && is_token(subtype) && (kind != "*" || subtype == "*")
}

/// A media type without its parameters, in lower case.
fn essence(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    let text = String::from_utf8_lossy(value.get(..end).unwrap_or(value));
    text.trim().to_ascii_lowercase()
}

fn kind_of(essence: &str) -> Kind {
    match essence {
        "application/json" | "text/json" => Kind::Json,
        "application/x-www-form-urlencoded" => Kind::Form,
        _ if essence.starts_with("application/") && essence.ends_with("+json") => Kind::Json,
        _ => Kind::Other,
    }
}

fn in_range(essence: &str, range: &str) -> bool {
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => essence.split_once('/').is_some_and(|(own, _)| own == kind),
        _ => range == essence,
    }
}

#[cfg(test)]
mod tests;
