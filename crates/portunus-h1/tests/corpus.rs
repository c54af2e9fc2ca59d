//! The corpora under `tests/conformance/h1/`.

/// One line of a corpus.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) expected: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn read(file: &str) -> Vec<Case> {
    let path = format!("{}/../../tests/conformance/h1/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(case).collect()
}

fn case(line: &str) -> Case {
    let mut parts = line.splitn(3, '|').map(str::trim);
    let mut next = || parts.next().unwrap_or_else(|| panic!("three parts: {line}"));
    let (name, expected) = (next().to_owned(), next().to_owned());
    Case { name, expected, bytes: unescape(next().as_bytes()) }
}

fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((byte, rest)) = text.split_first() {
        text = rest;
        if *byte == b'\\' {
            text = escape(rest, &mut bytes);
        } else {
            bytes.push(*byte);
        }
    }
    bytes
}

/// Writes what the escape at the start of `text` stands for, and returns what follows it.
fn escape<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let (kind, rest) = text.split_first().unwrap();
    match kind {
        b'r' => bytes.push(b'\r'),
        b'n' => bytes.push(b'\n'),
        b't' => bytes.push(b'\t'),
        b'0' => bytes.push(0),
        b'\\' => bytes.push(b'\\'),
        b'x' => {
            let digits = std::str::from_utf8(&rest[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            return &rest[2..];
        }
        b'*' => return repeat(rest, bytes),
        other => panic!("no such escape: {}", *other as char),
    }
    rest
}

/// `N(text)`, where the text may hold such a repetition itself.
fn repeat<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let open = text.iter().position(|byte| *byte == b'(').unwrap();
    let count: usize = std::str::from_utf8(&text[..open]).unwrap().parse().unwrap();
    let mut depth = 0;
    let close = text.iter().position(|byte| {
        depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
        *byte == b')' && depth == 0
    });
    let close = close.unwrap();
    bytes.extend(unescape(&text[open + 1..close]).repeat(count));
    &text[close + 1..]
}
