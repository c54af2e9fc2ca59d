//! The head of a request: its line, its headers, whom it is for.

use portunus_http::{
    HeaderId, Method, RequestHead, TargetForm, Text, Version, is_token_byte, normalize_path,
    valid_authority,
};

use crate::{
    H1Error, Limits, Parsed,
    fields::{check_section, parse_section},
    first_line::{empty_lines_len, first_line, head_len, version_of},
    target::Target,
};

/// Parses the head at the start of `buf` into `head`, whose former content goes.
///
/// Empty lines before it are skipped. The path is normalised; the query stays as written. With an
/// absolute target its authority wins, and the `Host` header is set to it (RFC 9112 section 3.2.2).
/// On a fault `head` holds what was read so far, for the log.
///
/// # Errors
/// The first fault; see [`H1Error`]. The connection cannot be used after it.
pub fn parse_request(
    buf: &[u8],
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<Parsed, H1Error> {
    head.clear();
    let skipped = empty_lines_len(buf)?;
    let bytes = buf.get(skipped..).unwrap_or(&[]);
    if bytes.first().is_some_and(|byte| !may_begin_request(*byte)) {
        return Err(H1Error::BadMethod);
    }
    let Some(line) = first_line(bytes, limits)? else { return Ok(Parsed::Incomplete) };
    let line = RequestLine::parse(line)?;
    let Some(len) = head_len(bytes, line.len, limits)? else { return Ok(Parsed::Incomplete) };
    let (bytes, _) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
    line.fill(bytes, head);
    let section = bytes.get(line.len..).unwrap_or(&[]);
    check_section(section)?;
    parse_section(section, line.len, limits, &mut head.headers)?;
    settle_authority(&line.target, head)?;
    Ok(Parsed::Complete(skipped + len))
}

/// False for what is surely not HTTP/1, such as the first byte of a TLS handshake.
fn may_begin_request(byte: u8) -> bool {
    is_token_byte(byte) || matches!(byte, b'\r' | b'\n')
}

struct RequestLine<'a> {
    len: usize,
    method: &'a [u8],
    target: Target,
    version: Version,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, H1Error> {
        let method_len = memchr::memchr(b' ', line).ok_or(H1Error::BadRequestLine)?;
        let (method, rest) = line.split_at_checked(method_len).unwrap_or((line, &[]));
        if method.len() > METHOD_BYTES_MAX || !method.iter().all(|byte| is_token_byte(*byte)) {
            return Err(H1Error::BadMethod);
        }
        let target_and_version = rest.get(1..).unwrap_or(&[]);
        let target_len =
            memchr::memrchr(b' ', target_and_version).ok_or(H1Error::BadRequestLine)?;
        let (target, version) =
            target_and_version.split_at_checked(target_len).unwrap_or((rest, &[]));
        let version = version_of(version.get(1..).unwrap_or(&[]))?;
        let target = Target::parse(target, method_len + 1, method)?;
        Ok(Self { len: line.len(), method, target, version })
    }

    /// Copies the whole head into the arena, once; all texts are offsets into it.
    fn fill(&self, bytes: &[u8], head: &mut RequestHead) {
        head.headers.store(bytes);
        head.version = self.version;
        head.form = self.target.form;
        head.set_method(self.method);
        head.set_target_stored(self.target.path, self.target.query);
        let whole_server = head.method == Method::Options && self.target.query.is_none();
        match (head.form, self.target.path.is_empty()) {
            (TargetForm::Absolute, true) if whole_server => head.set_path(b"*"),
            (TargetForm::Absolute, true) => head.set_path(b"/"),
            _ => normalize(head),
        }
    }
}

fn normalize(head: &mut RequestHead) {
    let mut path = Vec::new();
    if normalize_path(head.path(), &mut path) {
        head.set_path(&path);
    }
}

/// Whom the request is for: the target's authority, else `Host`.
fn settle_authority(target: &Target, head: &mut RequestHead) -> Result<(), H1Error> {
    let host = sole_host(head)?;
    if matches!(target.form, TargetForm::Origin | TargetForm::Asterisk) {
        host.into_iter().for_each(|host| head.set_authority_stored(host));
        return Ok(());
    }
    head.set_authority_stored(target.authority);
    if host.map(|host| head.headers.text(host)) != Some(head.authority()) {
        let authority = head.authority().to_vec();
        head.headers.set_id(HeaderId::Host, &authority);
    }
    Ok(())
}

/// The value of the only `Host`. HTTP/1.0 may go without.
fn sole_host(head: &RequestHead) -> Result<Option<Text>, H1Error> {
    let mut hosts = head.headers.values_of(HeaderId::Host);
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version == Version::H10 => Ok(None),
        (None, _) => Err(H1Error::MissingHost),
        (_, Some(_)) => Err(H1Error::DuplicateHost),
        (Some(host), None) if valid_authority(host) => Ok(head.headers.text_of(HeaderId::Host)),
        (Some(_), None) => Err(H1Error::BadHost),
    }
}

/// Longer than any registered method.
const METHOD_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
