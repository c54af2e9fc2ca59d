//! What the first lines of requests and answers share: where the line ends, and where the head
//! does.

use portunus_http::Version;

use crate::{
    H1Error, Limits,
    fields::{LINE_END, section_len},
};

/// The first line of `bytes` without its CRLF; None when its end is not there yet.
pub(crate) fn first_line<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Option<&'a [u8]>, H1Error> {
    let window = bytes.get(..=limits.line_bytes_max).unwrap_or(bytes);
    let Some(at) = memchr::memchr2(b'\r', b'\n', window) else {
        let too_long = window.len() > limits.line_bytes_max;
        return if too_long { Err(H1Error::LineTooLong) } else { Ok(None) };
    };
    match bytes.split_at_checked(at) {
        Some((line, [b'\r', b'\n', ..])) => Ok(Some(line)),
        Some((_, [b'\n', ..])) => Err(H1Error::BareLf),
        Some((_, [b'\r', _, ..])) => Err(H1Error::BareCr),
        _ => Ok(None),
    }
}

/// The length of the whole head whose first line has `line_len` bytes; None when its end is not
/// there yet.
///
/// Looks for the end alone, so that a client that sends byte by byte costs no more than that.
pub(crate) fn head_len(
    bytes: &[u8],
    line_len: usize,
    limits: &Limits,
) -> Result<Option<usize>, H1Error> {
    let len = bytes.get(line_len..).and_then(section_len).map(|len| line_len + len);
    if len.unwrap_or(bytes.len()) > limits.header_bytes_max {
        return Err(H1Error::HeadersTooLarge);
    }
    Ok(len)
}

/// The version that `text` names.
pub(crate) fn version_of(text: &[u8]) -> Result<Version, H1Error> {
    match text {
        b"HTTP/1.1" => Ok(Version::H11),
        b"HTTP/1.0" => Ok(Version::H10),
        [b'H', b'T', b'T', b'P', b'/', rest @ ..] if is_number(rest) => {
            Err(H1Error::UnsupportedVersion)
        }
        _ => Err(H1Error::BadVersion),
    }
}

fn is_number(text: &[u8]) -> bool {
    matches!(text, [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// The empty lines before a request that are skipped (RFC 9112 section 2.2), in bytes.
pub(crate) fn empty_lines_len(bytes: &[u8]) -> Result<usize, H1Error> {
    let lines = bytes.chunks_exact(LINE_END).take_while(|pair| pair == b"\r\n");
    let count = lines.take(EMPTY_LINES_MAX + 1).count();
    if count > EMPTY_LINES_MAX {
        return Err(H1Error::BadRequestLine);
    }
    Ok(count * LINE_END)
}

/// Some old clients send one empty line after a body.
const EMPTY_LINES_MAX: usize = 4;
