//! JSON Pointers (RFC 6901).

use std::borrow::Cow;

use serde_json::Value;

/// The pointer one step further down.
pub(crate) fn join(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// The steps of a pointer, unescaped.
pub(crate) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// The pointer of a reference within its document: `#/a/b`, percent-decoded. `None` for all else.
pub(crate) fn of_reference(reference: &str) -> Option<String> {
    let fragment =
        reference.strip_prefix('#').filter(|rest| rest.is_empty() || is_pointer(rest))?;
    let mut decoded = Vec::with_capacity(fragment.len());
    portunus_http::percent_decode_into(fragment.as_bytes(), &mut decoded);
    String::from_utf8(decoded).ok()
}

/// The reference to a pointer, as a URI fragment (RFC 6901 section 6).
pub(crate) fn to_reference(pointer: &str) -> String {
    let mut reference = String::from("#");
    for byte in pointer.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => reference.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => reference.push(char::from(byte)),
            _ => reference.push_str(&format!("%{byte:02X}")),
        }
    }
    reference
}

/// Follows references from a value at a pointer until something else stands there, and says where that is.
/// `None` where a reference leads nowhere or in a circle.
pub(crate) fn follow<'v>(root: &'v Value, pointer: Cow<'_, str>) -> Option<(String, &'v Value)> {
    let mut pointer = pointer.into_owned();
    for _ in 0..REFERENCES_MAX {
        let value = root.pointer(&pointer)?;
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => pointer = of_reference(reference)?,
            None => return Some((pointer, value)),
        }
    }
    None
}

fn is_pointer(fragment: &str) -> bool {
    fragment.starts_with('/')
}

/// Longest chain of references.
const REFERENCES_MAX: usize = 32;

#[cfg(test)]
mod tests;
