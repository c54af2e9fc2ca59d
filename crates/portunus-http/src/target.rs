//! Request targets: what may stand in them, hosts, dot segments, queries.

/// A host and its port, as they stand in an authority.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostPort<'a> {
    /// The host, IPv6 with its brackets.
    pub host: &'a [u8],
    /// The port, if one is given.
    pub port: Option<u16>,
}

/// True for what may stand in a path or query: no controls, spaces, DEL or `#`. Bytes above ASCII pass.
#[must_use]
pub fn valid_path(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |fine, b| fine & (*b > 0x20) & (*b != 0x7f) & (*b != b'#'))
}

/// True for `host`, `host:port`, `[v6]`, `[v6]:port` (RFC 3986 section 3.2), without userinfo.
#[must_use]
pub fn valid_authority(bytes: &[u8]) -> bool {
    split_host_port(bytes).is_some_and(|parts| valid_host(parts.host))
}

fn valid_host(host: &[u8]) -> bool {
    let inner = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    match inner {
        Some(v6) => {
            let text = std::str::from_utf8(v6).unwrap_or("");
            text.parse::<std::net::Ipv6Addr>().is_ok()
        }
        None => !host.is_empty() && host.len() <= HOST_MAX && host.iter().all(|b| is_host_byte(*b)),
    }
}

/// Unreserved and sub-delims without those that parsers disagree on.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'%'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b'='
                | b';'
        )
}

/// True when two hexadecimal digits follow each `%`: decoding `%%32e` twice gives a dot.
#[must_use]
pub fn has_whole_escapes(path: &[u8]) -> bool {
    memchr::memchr_iter(b'%', path).all(|at| {
        let digits = path.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Splits `host:port`. None when the port is not a number or brackets do not match.
#[must_use]
pub fn split_host_port(authority: &[u8]) -> Option<HostPort<'_>> {
    let host_len = match authority.first() {
        Some(b'[') => memchr::memchr(b']', authority)? + 1,
        _ => memchr::memchr(b':', authority).unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(host_len)?;
    let port = match rest.split_first() {
        None => None,
        Some((b':', digits)) => Some(parse_port(digits)?),
        Some(_) => return None,
    };
    Some(HostPort { host, port })
}

fn parse_port(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Writes `path` to `out` with unreserved bytes decoded and dot segments resolved
/// (RFC 3986 sections 6.2.2.2 and 5.2.4), so that what is matched is what the upstream sees.
///
/// Returns false, and leaves `out` alone, when the path is in that form already: the usual case.
/// `%2F` stays encoded, and `//` stays.
pub fn normalize_path(path: &[u8], out: &mut Vec<u8>) -> bool {
    if !may_change(path) {
        return false;
    }
    let start = out.len();
    decode_unreserved(path, out);
    let decoded = out.split_off(start);
    resolve_dots(&decoded, out);
    if out.get(start..) == Some(path) {
        out.truncate(start);
        return false;
    }
    true
}

fn may_change(path: &[u8]) -> bool {
    memchr::memchr(b'%', path).is_some()
        || memchr::memchr_iter(b'.', path).any(|at| at > 0 && path.get(at - 1) == Some(&b'/'))
}

fn decode_unreserved(path: &[u8], out: &mut Vec<u8>) {
    let mut rest = path;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match escape(*byte, tail) {
            Some((decoded, tail)) if is_unreserved(decoded) => {
                out.push(decoded);
                rest = tail;
            }
            _ => out.push(*byte),
        }
    }
}

fn escape(byte: u8, tail: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], tail) = tail.split_first_chunk::<2>().filter(|_| byte == b'%')?;
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    Some((digit(*high)? << 4 | digit(*low)?, tail))
}

/// What never needs an escape (RFC 3986 section 2.3).
#[must_use]
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn resolve_dots(path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let Some(relative) = path.strip_prefix(b"/") else {
        out.extend_from_slice(path);
        return;
    };
    let mut segments = relative.split(|b| *b == b'/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => pop_segment(start, out),
            other => {
                out.push(b'/');
                out.extend_from_slice(other);
                continue;
            }
        }
        if last {
            out.push(b'/');
        }
    }
    if out.len() == start {
        out.push(b'/');
    }
}

fn pop_segment(start: usize, out: &mut Vec<u8>) {
    let written = out.get(start..).unwrap_or(&[]);
    let cut = memchr::memrchr(b'/', written).unwrap_or(0);
    out.truncate(start + cut);
}

/// Decodes percent escapes of `text` onto `out`; a broken escape stays as it is.
pub fn percent_decode_into(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        match escape(*byte, tail) {
            Some((decoded, tail)) => {
                out.push(decoded);
                rest = tail;
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

/// The `name=value` pairs of a query, as written; a name without `=` has an empty value.
pub fn query_pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let eq = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(eq).unwrap_or((pair, &[]));
        (name, value.get(1..).unwrap_or(&[]))
    })
}

/// The longest host name in bytes (RFC 1035 section 2.3.4), with its final dot.
const HOST_MAX: usize = 254;

#[cfg(test)]
mod tests;
