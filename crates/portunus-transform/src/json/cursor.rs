//! The members of an object or an array, as pieces of its text.

/// Walks over the members of one object or array. The text is known to be JSON, so this only looks for where things
/// end.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Before the first member.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 1 }
    }

    /// The next key or value; None after the last.
    pub(super) fn item(&mut self) -> Option<&'a str> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let gap = rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':'));
        let start = self.at + gap?;
        let length = length(self.text.as_bytes().get(start..)?);
        self.at = start + length;
        self.text.get(start..self.at).filter(|item| !item.is_empty())
    }
}

/// How long the value is that begins here; 0 at the end of what it stands in.
fn length(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string(text),
        Some(b'{' | b'[') => nested(text),
        _ => {
            let is_end = |byte: &u8| {
                matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' | b':')
            };
            text.iter().position(is_end).unwrap_or(text.len())
        }
    }
}

/// How long a string is, with its quotes.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// How long an object or an array is.
fn nested(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string(text.get(at..).unwrap_or(&[]));
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// How deep a text is nested, whether it is JSON or not.
pub(super) fn depth(text: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += string(text.get(at..).unwrap_or(&[]));
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}
