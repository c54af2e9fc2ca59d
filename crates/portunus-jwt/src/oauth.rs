//! How clients of OAuth 2.0 write what they send (RFC 6749).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portunus_http::{form_encode_into, form_encode_pairs};

/// A client's name and secret as `Authorization: Basic` (section 2.3.1): each is encoded as in a form first.
#[must_use]
pub fn basic(id: &str, secret: &str) -> String {
    let mut pair = Vec::new();
    form_encode_into(id.as_bytes(), &mut pair);
    pair.push(b':');
    form_encode_into(secret.as_bytes(), &mut pair);
    format!("Basic {}", STANDARD.encode(pair))
}

/// A form of pairs.
pub(crate) fn form(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut form = Vec::new();
    form_encode_pairs(
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        &mut form,
    );
    form
}

#[cfg(test)]
mod tests;
