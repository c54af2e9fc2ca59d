//! How clients of OAuth 2.0 write what they send (RFC 6749).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A client's name and secret as `Authorization: Basic` (section 2.3.1): each is encoded as in a form first.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let mut pair = Vec::new();
    encode_onto(id.as_bytes(), &mut pair);
    pair.push(b':');
    encode_onto(secret.as_bytes(), &mut pair);
    format!("Basic {}", STANDARD.encode(pair))
}

/// Adds a text to a form (appendix B).
pub(crate) fn encode_onto(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'~' => {
                out.push(*byte);
            }
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
}

/// A form of pairs.
pub(crate) fn form(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push(b'&');
        }
        encode_onto(name.as_bytes(), &mut form);
        form.push(b'=');
        encode_onto(value.as_bytes(), &mut form);
    }
    form
}

#[cfg(test)]
mod tests;
