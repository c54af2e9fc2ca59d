//! Tells protocols apart by their first bytes.
//!
//! Never an answer on trust: a `ProxyV1` or `ProxyV2` says what the bytes look like, not that the peer may send it.

/// Says which protocol `buf` starts with.
#[must_use]
pub fn protocol(buf: &[u8]) -> Sniff {
    match buf.first() {
        None => Sniff::NeedMore,
        Some(0x16) => tls(buf),
        Some(b'\r') if buf.starts_with(PROXY_V2) => Sniff::Is(Sniffed::ProxyV2),
        Some(b'\r') if PROXY_V2.starts_with(buf) => Sniff::NeedMore,
        // A server should ignore an empty line before a request line (RFC 9112 section 2.2).
        Some(b'\r' | b'\n') => Sniff::Is(Sniffed::Http1),
        Some(_) => words(buf),
    }
}

/// An answer, or the wish for more bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sniff {
    /// The bytes decide.
    Is(Sniffed),
    /// More bytes decide; at most [`BYTES_MAX`] are ever needed.
    NeedMore,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sniffed {
    /// A request line of HTTP/1: a method of at most 32 token characters and a space, or an empty line.
    Http1,
    /// The client preface of HTTP/2 with prior knowledge (RFC 9113 section 3.4).
    Http2Preface,
    /// A TLS handshake record (RFC 8446 section 5.1).
    Tls,
    /// The text form of the PROXY protocol.
    ProxyV1,
    /// The binary form of the PROXY protocol.
    ProxyV2,
    /// Something else.
    Unknown,
}

/// A handshake record: type 22, version 3.x.
fn tls(buf: &[u8]) -> Sniff {
    match buf {
        [_] => Sniff::NeedMore,
        [_, 3, ..] => Sniff::Is(Sniffed::Tls),
        _ => Sniff::Is(Sniffed::Unknown),
    }
}

/// The protocols that start with a word.
fn words(buf: &[u8]) -> Sniff {
    for (word, sniffed) in [(PROXY_V1, Sniffed::ProxyV1), (HTTP2, Sniffed::Http2Preface)] {
        if buf.starts_with(word) {
            return Sniff::Is(sniffed);
        }
        if word.starts_with(buf) {
            return Sniff::NeedMore;
        }
    }
    method(buf)
}

/// A method and a space: what follows is the HTTP/1 parser's to judge.
fn method(buf: &[u8]) -> Sniff {
    let window = buf.get(..=METHOD_MAX).unwrap_or(buf);
    match window.iter().position(|&byte| !is_token(byte)) {
        Some(end) if end > 0 && window.get(end) == Some(&b' ') => Sniff::Is(Sniffed::Http1),
        None if window.len() <= METHOD_MAX => Sniff::NeedMore,
        _ => Sniff::Is(Sniffed::Unknown),
    }
}

/// A `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The most bytes that [`protocol`] ever looks at.
pub const BYTES_MAX: usize = METHOD_MAX + 1;

const METHOD_MAX: usize = 32;
const PROXY_V1: &[u8] = b"PROXY ";
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests;
