//! Header names: their bytes, and what is wrong with those that are refused.

use portunus_http::{is_lookalike, is_token_byte};

use crate::H1Error;

/// The length of the name at the start of `line`: all before its colon.
pub(crate) fn name_len(line: &[u8]) -> Result<usize, H1Error> {
    let len = line.iter().position(|byte| !is_plain(*byte)).unwrap_or(line.len());
    match line.get(len) {
        Some(b':') if len > 0 => Ok(len),
        _ => odd_name_len(line),
    }
}

/// As [`name_len`], for names with an underscore and for those that are refused.
#[cold]
fn odd_name_len(line: &[u8]) -> Result<usize, H1Error> {
    let len = line.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(len).unwrap_or((line, &[]));
    match rest.first() {
        Some(b' ' | b'\t') if name.is_empty() => Err(H1Error::FoldedHeader),
        Some(b' ' | b'\t') if rest.trim_ascii_start().starts_with(b":") => {
            Err(H1Error::SpaceBeforeColon)
        }
        Some(b':') if name.is_empty() => Err(H1Error::EmptyHeaderName),
        Some(b':') if is_lookalike(name) => Err(H1Error::LookalikeHeader),
        Some(b':') => Ok(len),
        None => Err(H1Error::MissingColon),
        Some(_) => Err(H1Error::BadHeaderName),
    }
}

/// A byte of a token that needs no second look: any but the underscore.
fn is_plain(byte: u8) -> bool {
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = is_token_byte(byte as u8) && byte != b'_' as usize;
        byte += 1;
    }
    plain
};
