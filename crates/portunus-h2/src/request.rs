//! Heads of requests: in on the server's side, out on the client's.

use h2::ext::Protocol;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TE};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use portunus_http::{
    Framing, HeaderId, Method, RequestHead, TargetForm, Version, has_whole_escapes, list_has,
    normalize_path, valid_authority, valid_path,
};

use crate::H2Fault;
use crate::fields::{REWRITTEN, fields_into, length_value, map_of, text};

/// Fills `head` from a request; on a fault it holds what was read so far, for the log.
pub(crate) fn request_into(
    request: &http::request::Parts,
    fields_max: usize,
    head: &mut RequestHead,
) -> Result<(), H2Fault> {
    head.clear();
    head.version = Version::H2;
    let method = request.method.as_str().as_bytes();
    head.set_method(method);
    settle_authority(request, head)?;
    let target = request.uri.path_and_query();
    target_into(target, head)?;
    if method.len() > METHOD_BYTES_MAX {
        return Err(H2Fault::BadMethod);
    }
    if head.method == Method::Connect && protocol_of(request).is_none() {
        return Err(H2Fault::Connect);
    }
    check_scheme(&request.uri)?;
    fields_into(&request.headers, fields_max, &mut head.headers)
}

/// The protocol of an extended CONNECT (RFC 8441).
pub(crate) fn protocol_of(request: &http::request::Parts) -> Option<&str> {
    request.extensions.get::<Protocol>().map(Protocol::as_str)
}

/// The framing of a message whose body has ended with its head, or not.
pub(crate) fn framing_of(fields: &HeaderMap, ended: bool) -> Result<Framing, H2Fault> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (None, _) if ended => Ok(Framing::None),
        (None, _) => Ok(Framing::Chunked),
        (Some(length), None) => Ok(Framing::Length(number_of(length)?)),
        (Some(_), Some(_)) => Err(H2Fault::BadLength),
    }
}

/// Digits only, so few that no parser overflows.
fn number_of(value: &HeaderValue) -> Result<u64, H2Fault> {
    let digits = value.to_str().unwrap_or("");
    let plain = (1..=LENGTH_DIGITS_MAX).contains(&digits.len());
    let number =
        digits.parse().ok().filter(|_| plain && digits.bytes().all(|b| b.is_ascii_digit()));
    number.ok_or(H2Fault::BadLength)
}

/// Whom the request is for: `:authority`, else `Host` (RFC 9113 section 8.3.1). It becomes the first header.
fn settle_authority(request: &http::request::Parts, head: &mut RequestHead) -> Result<(), H2Fault> {
    let mut hosts = request.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(H2Fault::DuplicateHost);
    }
    let authority = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    let whom = authority.or(host).ok_or(H2Fault::MissingHost)?;
    head.headers.append_id(HeaderId::Host, whom);
    if whom.contains(&b'@') {
        return Err(H2Fault::UserinfoInTarget);
    }
    if !valid_authority(whom) {
        return Err(H2Fault::BadAuthority);
    }
    if let Some(stored) = head.headers.text_of(HeaderId::Host) {
        head.set_authority_stored(stored);
    }
    let agreed = host.is_none_or(|host| host.eq_ignore_ascii_case(whom));
    if agreed { Ok(()) } else { Err(H2Fault::ConflictingHost) }
}

fn target_into(target: Option<&PathAndQuery>, head: &mut RequestHead) -> Result<(), H2Fault> {
    let Some(target) = target else {
        return if head.method == Method::Connect { Ok(()) } else { Err(H2Fault::BadPath) };
    };
    let (path, query) = (target.path().as_bytes(), target.query().map(str::as_bytes));
    head.set_path(path);
    head.set_query(query);
    let asterisk = path == b"*" && query.is_none();
    if asterisk && head.method == Method::Options {
        head.form = TargetForm::Asterisk;
        return Ok(());
    }
    if !path.starts_with(b"/") || !valid_path(path) || !query.is_none_or(valid_path) {
        return Err(H2Fault::BadPath);
    }
    if !has_whole_escapes(path) {
        return Err(H2Fault::BadEscape);
    }
    let mut normal = Vec::new();
    if normalize_path(path, &mut normal) {
        head.set_path(&normal);
    }
    Ok(())
}

/// Only the schemes that this proxy serves; without `:authority` there is none to see.
fn check_scheme(uri: &Uri) -> Result<(), H2Fault> {
    let fine = uri.scheme().is_none_or(|s| *s == Scheme::HTTP || *s == Scheme::HTTPS);
    if fine { Ok(()) } else { Err(H2Fault::BadScheme) }
}

/// What a request needs beside its head.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingHead<'h> {
    /// Method, path, query and headers. `Host` and what belongs to one connection are left out; `TE` becomes
    /// `trailers`, where it has that.
    pub head: &'h RequestHead,
    /// True for `https`.
    pub secure: bool,
    /// For `:authority`.
    pub authority: &'h [u8],
    /// The length of the body, which goes into `Content-Length`. With [`Framing::None`] the head ends the stream,
    /// but not for an extended CONNECT.
    pub framing: Framing,
    /// The protocol of an extended CONNECT: the method is CONNECT then, whatever the head says.
    pub protocol: Option<&'h str>,
}

/// True for an authority that may go out.
#[must_use]
pub fn is_sendable(authority: &[u8]) -> bool {
    Authority::try_from(authority).is_ok()
}

impl OutgoingHead<'_> {
    /// True when the head ends the stream.
    pub(crate) fn is_end(&self) -> bool {
        self.framing.is_empty() && self.protocol.is_none()
    }

    pub(crate) fn request(&self) -> Result<http::Request<()>, H2Fault> {
        let mut request = http::Request::new(());
        *request.version_mut() = http::Version::HTTP_2;
        *request.method_mut() = self.method()?;
        *request.uri_mut() = self.uri()?;
        *request.headers_mut() = self.fields();
        if let Some(protocol) = self.protocol {
            request.extensions_mut().insert(Protocol::from(protocol));
        }
        Ok(request)
    }

    fn method(&self) -> Result<http::Method, H2Fault> {
        if self.protocol.is_some() {
            return Ok(http::Method::CONNECT);
        }
        http::Method::from_bytes(self.head.method_text()).map_err(|_| H2Fault::BadMethod)
    }

    fn uri(&self) -> Result<Uri, H2Fault> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if self.secure { Scheme::HTTPS } else { Scheme::HTTP });
        let authority = Authority::from_maybe_shared(text(self.authority));
        parts.authority = Some(authority.map_err(|_| H2Fault::BadAuthority)?);
        parts.path_and_query = Some(self.path_and_query()?);
        Uri::from_parts(parts).map_err(|_| H2Fault::BadPath)
    }

    /// Bytes that `http` does not take as they are go out escaped, which means the same.
    fn path_and_query(&self) -> Result<PathAndQuery, H2Fault> {
        let (path, query) = (self.head.path(), self.head.query());
        let path: &[u8] = if path.is_empty() { b"/" } else { path };
        let mut target = Vec::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
        target.extend_from_slice(path);
        if let Some(query) = query {
            target.push(b'?');
            target.extend_from_slice(query);
        }
        let plain = PathAndQuery::try_from(target.as_slice());
        plain.or_else(|_| PathAndQuery::try_from(escaped(&target))).map_err(|_| H2Fault::BadPath)
    }

    fn fields(&self) -> HeaderMap {
        let mut map = map_of(&self.head.headers, REWRITTEN);
        if let Framing::Length(bytes) = self.framing
            && let Some(length) = length_value(bytes)
        {
            map.insert(CONTENT_LENGTH, length);
        }
        if self.head.headers.values_of(HeaderId::Te).any(|value| list_has(value, b"trailers")) {
            map.insert(TE, HeaderValue::from_static("trailers"));
        }
        map
    }
}

#[cold]
fn escaped(target: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut out = Vec::with_capacity(target.len() * 3);
    for byte in target {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte) {
            out.push(*byte);
        } else {
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// Longer than any registered method.
const METHOD_BYTES_MAX: usize = 64;
/// Fits a signed 64-bit number.
const LENGTH_DIGITS_MAX: usize = 18;
