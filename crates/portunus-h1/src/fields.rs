//! The header section of a head, and the trailer section of a chunked body: one grammar, one
//! parser.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use portunus_http::{HeaderId, HeaderList, Text};

use crate::{H1Error, Limits, name::name_len};

/// The length of the section at the start of `bytes`, which begin with the CRLF of the line before
/// it: up to and with the empty line.
pub(crate) fn section_len(bytes: &[u8]) -> Option<usize> {
    SECTION_END.find(bytes).map(|at| at + SECTION_END.needle().len())
}

/// Checks `section` (from the CRLF before it to its empty line) byte by byte in one sweep: no
/// controls, and CR and LF in pairs only.
///
/// The sweep has no branches, so that the compiler turns it into vector code.
pub(crate) fn check_section(section: &[u8]) -> Result<(), H1Error> {
    let next = section.get(1..).unwrap_or(&[]);
    let odd = section.iter().zip(next).fold(false, |odd, (byte, next)| {
        odd | is_control(*byte) | ((*byte == b'\r') ^ (*next == b'\n'))
    });
    if odd { Err(first_fault(section)) } else { Ok(()) }
}

/// Which fault of [`check_section`] comes first.
#[cold]
fn first_fault(section: &[u8]) -> H1Error {
    let next = section.get(1..).unwrap_or(&[]);
    let fault = section.iter().zip(next).find_map(|(byte, next)| match (byte, next) {
        (b'\r', b'\n') => None,
        (b'\r', _) => Some(H1Error::BareCr),
        (byte, _) if is_control(*byte) => Some(H1Error::BadHeaderValue),
        (_, b'\n') => Some(H1Error::BareLf),
        _ => None,
    });
    fault.unwrap_or(H1Error::BadHeaderValue)
}

/// All controls but the tab and line ends.
fn is_control(byte: u8) -> bool {
    ((byte < 0x20) & (byte != b'\t') & (byte != b'\r') & (byte != b'\n')) | (byte == 0x7f)
}

/// Adds the fields of a checked section to `list`, whose arena holds the section from `base` on.
pub(crate) fn parse_section(
    section: &[u8],
    base: usize,
    limits: &Limits,
    list: &mut HeaderList,
) -> Result<(), H1Error> {
    let mut at = LINE_END;
    let mut rest = section.get(at..).unwrap_or(&[]);
    while let Some(line_len) = line_len(rest).filter(|len| *len > 0) {
        let (line, tail) = rest.split_at_checked(line_len).unwrap_or((rest, &[]));
        if line_len > limits.line_bytes_max {
            return Err(H1Error::HeaderTooLong);
        }
        if list.len() == limits.headers_max {
            return Err(H1Error::TooManyHeaders);
        }
        parse_field(line, base + at, list)?;
        at += line_len + LINE_END;
        rest = tail.get(LINE_END..).unwrap_or(&[]);
    }
    Ok(())
}

fn line_len(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\r', bytes)
}

fn parse_field(line: &[u8], base: usize, list: &mut HeaderList) -> Result<(), H1Error> {
    let name_len = name_len(line)?;
    let (name, rest) = line.split_at_checked(name_len).unwrap_or((line, &[]));
    let untrimmed = rest.get(1..).unwrap_or(&[]);
    let value = untrimmed.trim_ascii_start();
    let value_base = base + line.len() - value.len();
    let name_text = Text::new(base, name_len);
    let value_text = Text::new(value_base, value.trim_ascii_end().len());
    list.push_stored(HeaderId::of(name), name_text, value_text);
    Ok(())
}

static SECTION_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));

/// Bytes of a line end.
pub(crate) const LINE_END: usize = 2;

#[cfg(test)]
mod tests;
