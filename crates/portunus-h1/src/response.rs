//! The head of an answer.

use portunus_http::{ResponseHead, Text, Version, is_field_value};

use crate::{
    H1Error, Limits, Parsed,
    fields::{check_section, parse_section},
    first_line::{first_line, head_len, version_of},
};

/// Parses the head at the start of `buf` into `head`, whose former content goes.
///
/// # Errors
/// The first fault; see [`H1Error`]. The connection cannot be used after it.
pub fn parse_response(
    buf: &[u8],
    limits: &Limits,
    head: &mut ResponseHead,
) -> Result<Parsed, H1Error> {
    head.clear();
    if !buf.iter().zip(b"HTTP/").all(|(found, wanted)| found == wanted) {
        return Err(H1Error::BadStatusLine);
    }
    let Some(line) = first_line(buf, limits)? else { return Ok(Parsed::Incomplete) };
    let line = StatusLine::parse(line)?;
    let Some(len) = head_len(buf, line.len, limits)? else { return Ok(Parsed::Incomplete) };
    let (bytes, _) = buf.split_at_checked(len).unwrap_or((buf, &[]));
    line.fill(bytes, head);
    let section = bytes.get(line.len..).unwrap_or(&[]);
    check_section(section)?;
    parse_section(section, line.len, limits, &mut head.headers)?;
    Ok(Parsed::Complete(len))
}

struct StatusLine {
    len: usize,
    version: Version,
    status: u16,
    reason: Text,
}

impl StatusLine {
    /// The space before an empty phrase may be missing: many servers leave it out.
    fn parse(line: &[u8]) -> Result<Self, H1Error> {
        let (version, rest) = line.split_at_checked(VERSION_BYTES).ok_or(H1Error::BadStatusLine)?;
        let version = version_of(version)?;
        let rest = rest.strip_prefix(b" ").ok_or(H1Error::BadStatusLine)?;
        let (digits, rest) = rest.split_first_chunk().ok_or(H1Error::BadStatus)?;
        let status = status_of(*digits)?;
        let reason = match rest.split_first() {
            None => rest,
            Some((b' ', reason)) => reason,
            Some(_) => return Err(H1Error::BadStatus),
        };
        if !is_field_value(reason) {
            return Err(H1Error::BadReasonPhrase);
        }
        let reason = Text::new(line.len() - reason.len(), reason.len());
        Ok(Self { len: line.len(), version, status, reason })
    }

    /// Copies the whole head into the arena, once; all texts are offsets into it.
    fn fill(&self, bytes: &[u8], head: &mut ResponseHead) {
        head.headers.store(bytes);
        head.version = self.version;
        head.status = self.status;
        head.set_reason_stored(self.reason);
    }
}

fn status_of(digits: [u8; 3]) -> Result<u16, H1Error> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(H1Error::BadStatus);
    }
    let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    if (100..600).contains(&status) { Ok(status) } else { Err(H1Error::BadStatus) }
}

/// Bytes of `HTTP/1.1`.
const VERSION_BYTES: usize = 8;

#[cfg(test)]
mod tests;
