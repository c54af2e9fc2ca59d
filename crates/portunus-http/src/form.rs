//! `application/x-www-form-urlencoded`, and escapes of single parts of a URL.

use crate::target::percent_decode_into;

/// A name or a value of a form or a query, without its encoding: `+` is a space, and a broken escape stays as it is
/// (WHATWG URL section 5.1).
#[must_use]
pub fn form_decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let mut decoded = Vec::with_capacity(spaced.len());
    percent_decode_into(&spaced, &mut decoded);
    decoded
}

/// Appends a name or a value in the encoding of forms: a space is `+` (WHATWG URL section 5.2).
pub fn form_encode_into(text: &[u8], out: &mut Vec<u8>) {
    for part in text.split_inclusive(|byte| *byte == b' ') {
        let word = part.strip_suffix(b" ").unwrap_or(part);
        percent_encode_into(word, is_form_plain, out);
        out.extend(part.get(word.len()..).unwrap_or(&[]).iter().map(|_| b'+'));
    }
}

/// Appends pairs as a form.
pub fn form_encode_pairs<'a>(
    pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    out: &mut Vec<u8>,
) {
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(b'&');
        }
        form_encode_into(name, out);
        out.push(b'=');
        form_encode_into(value, out);
    }
}

/// Appends a text with a percent escape for each byte that is not plain.
pub fn percent_encode_into(text: &[u8], is_plain: impl Fn(u8) -> bool, out: &mut Vec<u8>) {
    for &byte in text {
        if is_plain(byte) {
            out.push(byte);
        } else {
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// What stands as it is in a form.
#[must_use]
pub fn is_form_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_')
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
}

#[cfg(test)]
mod tests;
