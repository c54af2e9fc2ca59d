//! Rust source without its comments and literals, so that rules look at code alone.

/// The text with comments and the contents of literals blanked; lines and columns stay.
///
/// Knows nested comments, raw strings, byte and C strings, and tells characters from lifetimes.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while at < code.len() {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let (length, is_code) = next_piece(rest);
        let end = at + length.max(1);
        if !is_code {
            blank(code.get_mut(at..end).unwrap_or_default());
        }
        at = end;
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// How long the next piece is, and whether it is code.
fn next_piece(rest: &[u8]) -> (usize, bool) {
    match rest {
        [b'/', b'/', ..] => (rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()), false),
        [b'/', b'*', ..] => (block_comment(rest), false),
        [b'"', ..] => (string(rest, 0), false),
        [b'\'', ..] => character(rest).map_or((1, true), |length| (length, false)),
        [first, ..] if is_word(*first) => word_or_literal(rest),
        _ => (1, true),
    }
}

/// A word, or the literal that its letters only introduce: `r"…"`, `b'…'`, `br#"…"#`.
fn word_or_literal(rest: &[u8]) -> (usize, bool) {
    let word = rest.iter().take_while(|&&b| is_word(b)).count();
    let (prefix, after) = rest.split_at(word);
    let is_raw = matches!(prefix, b"r" | b"br" | b"cr");
    match after {
        [b'"', ..] if matches!(prefix, b"b" | b"c") => (word + string(after, 0), false),
        [b'\'', ..] if prefix == b"b" => (word + character(after).unwrap_or(1), false),
        [b'"' | b'#', ..] if is_raw => match raw_string(after) {
            Some(length) => (word + length, false),
            None => (word, true),
        },
        _ => (word, true),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of the string that starts at `from`, with its quotes.
fn string(rest: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `#"…"#` with any number of marks; `None` for a raw name such as `r#fn`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let marks = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(marks) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(marks + 1, b'#');
    let body = rest.get(marks + 1..)?;
    let end = body.windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| marks + 1 + end + close.len()))
}

/// The length of a character with its quotes; `None` when the quote starts a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    match rest {
        [_, b'\\', ..] => {
            let close = rest.iter().skip(3).position(|&b| b == b'\'')?;
            Some(3 + close + 1)
        }
        [_, first, ..] => {
            let length = if *first < 0x80 { 1 } else { first.leading_ones() as usize };
            (rest.get(1 + length) == Some(&b'\'')).then_some(length + 2)
        }
        _ => None,
    }
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn blank(piece: &mut [u8]) {
    for byte in piece {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Where the word stands alone in the text, in bytes from the start.
pub(crate) fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let boundary = |byte: Option<&u8>| byte.is_none_or(|&b| !is_word(b));
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        boundary(before) && boundary(bytes.get(at + word.len()))
    })
}

/// The number of the line, from 1, of a position in bytes.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().filter(|&&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
