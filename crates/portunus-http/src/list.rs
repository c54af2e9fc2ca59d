//! Comma-separated lists in header values (RFC 9110 section 5.6.1).

/// The items of a list, trimmed, without empty ones. Commas inside quoted strings do not part items.
pub fn list_items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let items = value.split(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' => return !quoted,
            _ => {}
        }
        false
    });
    items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// True when the list holds `item`, compared without regard to case.
#[must_use]
pub fn list_has(value: &[u8], item: &[u8]) -> bool {
    list_items(value).any(|found| found.eq_ignore_ascii_case(item))
}

#[cfg(test)]
mod tests;
