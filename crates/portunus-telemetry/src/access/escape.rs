//! Bytes of the network, written so that they cannot end a line, a quoted text or a field.

/// Writes the inside of a JSON string. Bytes that are no UTF-8 become `\u00XX`, one for each byte, so that
/// a byte and the Latin-1 character of its number look alike; control characters, DEL and C1 included, are
/// escaped too.
pub(super) fn json(bytes: &[u8], out: &mut Vec<u8>) {
    // Nearly all values need nothing; folding without an early end lets the compiler use wide registers.
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) & (*byte != b'"') & (*byte != b'\\');
    if bytes.iter().fold(true, |all, byte| all & plain(byte)) {
        return out.extend_from_slice(bytes);
    }
    for chunk in bytes.utf8_chunks() {
        json_text(chunk.valid(), out);
        chunk.invalid().iter().for_each(|byte| unicode(*byte, out));
    }
}

/// Writes text for the line forms: quotes, backslashes, control characters and all that is not ASCII become
/// `\xXX` (or `\"` and `\\`), as in Apache's log.
pub(super) fn line(bytes: &[u8], out: &mut Vec<u8>) {
    hex(bytes, |byte| byte == b' ' || byte.is_ascii_graphic(), out);
}

/// Like [`line()`] for a field that stands without quotes: spaces are escaped as well.
pub(super) fn word(bytes: &[u8], out: &mut Vec<u8>) {
    hex(bytes, |byte| byte.is_ascii_graphic(), out);
}

fn json_text(text: &str, out: &mut Vec<u8>) {
    let special = |char: char| char.is_control() || matches!(char, '"' | '\\');
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = tail.chars();
        match chars.next() {
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            // Control characters end at U+009F.
            Some(char) => unicode(char as u32 as u8, out),
            None => {}
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

fn hex(bytes: &[u8], plain: impl Fn(u8) -> bool, out: &mut Vec<u8>) {
    let safe = |byte: &u8| plain(*byte) && !matches!(byte, b'"' | b'\\');
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| !safe(byte)) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some((&byte, tail)) = tail.split_first() else { return };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => {
                out.extend_from_slice(b"\\x");
                out.extend_from_slice(&digits(byte));
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

fn unicode(code: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&digits(code));
}

fn digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(byte >> 4), digit(byte & 0xf)]
}

#[cfg(test)]
mod tests;
