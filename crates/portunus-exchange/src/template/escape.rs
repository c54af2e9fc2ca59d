//! Escaping of values that come into a document, so that what a client sent stays text there.

use std::io::Write;

use portunus_http::is_form_plain;

/// How values are escaped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Escape {
    /// Not at all: plain text.
    #[default]
    None,
    /// For HTML and XML: text and quoted attribute values.
    Html,
    /// For the inside of a JSON string (RFC 8259 section 7).
    Json,
    /// For a name or a value of a form: `application/x-www-form-urlencoded`.
    Form,
}

impl Escape {
    /// What documents of a media type need.
    #[must_use]
    pub fn of_content_type(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match media_type.as_str() {
            "text/html" | "text/xml" | "application/xml" => Self::Html,
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            other if other.ends_with("+xml") => Self::Html,
            other if other.ends_with("+json") => Self::Json,
            _ => Self::None,
        }
    }

    /// Escapes what stands in `out` from `start` on.
    pub(super) fn apply(self, start: usize, out: &mut Vec<u8>) {
        let special: fn(&u8) -> bool = match self {
            Self::None => return,
            Self::Html => |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\''),
            Self::Json => |byte| matches!(byte, b'"' | b'\\' | 0..0x20),
            Self::Form => |byte| !is_form_plain(*byte),
        };
        if !out.get(start..).unwrap_or(&[]).iter().any(special) {
            return;
        }
        for byte in out.split_off(start) {
            match (special(&byte), self) {
                (false, _) => out.push(byte),
                // Writing to a Vec cannot fail.
                (true, Self::Json) => _ = write!(out, "\\u{byte:04x}"),
                (true, Self::Form) => _ = write!(out, "%{byte:02X}"),
                (true, _) => _ = write!(out, "&#{byte};"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
