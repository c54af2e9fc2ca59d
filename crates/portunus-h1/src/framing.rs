//! How long the body is, and what becomes of the connection (RFC 9112 sections 6 and 9).

use portunus_http::{
    Framing, HeaderId, HeaderList, Method, RequestHead, ResponseHead, Version, list_has,
};

use crate::H1Error;

/// The framing of a request's body.
///
/// # Errors
/// `Content-Length` that is repeated or no number, both lengths at once, and every
/// `Transfer-Encoding` other than one `chunked` in HTTP/1.1.
pub fn request_framing(head: &RequestHead) -> Result<Framing, H1Error> {
    let coding = sole_coding(head.version, &head.headers)?;
    let mut lengths = head.headers.values_of(HeaderId::ContentLength);
    match (coding, lengths.next(), lengths.next()) {
        (Coding::Chunked, None, _) => Ok(Framing::Chunked),
        (Coding::Chunked, ..) => Err(H1Error::LengthWithTransferEncoding),
        (Coding::None, None, _) => Ok(Framing::None),
        (Coding::None, Some(_), Some(_)) => Err(H1Error::ConflictingLength),
        (Coding::None, Some(length), None) => Ok(Framing::Length(number_of(length)?)),
    }
}

/// The framing of the body of an answer to `request`.
///
/// None for answers to HEAD, 1xx, 204, 304 and for the tunnel behind a CONNECT: bytes that follow
/// such a head are no body, and a connection with bytes left over must not be used again.
///
/// # Errors
/// As [`request_framing`]; but a `Content-Length` may be repeated with the same value, as some
/// servers do.
pub fn response_framing(head: &ResponseHead, request: Method) -> Result<Framing, H1Error> {
    let coding = sole_coding(head.version, &head.headers)?;
    let length = agreed_length(&head.headers)?;
    if coding == Coding::Chunked && length.is_some() {
        return Err(H1Error::LengthWithTransferEncoding);
    }
    let tunnel = request == Method::Connect && (200..300).contains(&head.status);
    let bodiless = request == Method::Head || matches!(head.status, 100..200 | 204 | 304);
    Ok(match (coding, length) {
        _ if tunnel || bodiless => Framing::None,
        (Coding::Chunked, _) => Framing::Chunked,
        (Coding::None, Some(length)) => Framing::Length(length),
        (Coding::None, None) => Framing::Close,
    })
}

/// The framing that a peer of that version understands: HTTP/1.0 has no chunks, so what would be
/// chunked ends with the connection.
#[must_use]
pub fn framing_for(version: Version, framing: Framing) -> Framing {
    match (version, framing) {
        (Version::H10, Framing::Chunked) => Framing::Close,
        _ => framing,
    }
}

/// True when the sender keeps the connection open after this message (RFC 9112 section 9.3).
#[must_use]
pub fn wants_keep_alive(version: Version, headers: &HeaderList) -> bool {
    let mut keep = version != Version::H10;
    for value in headers.values_of(HeaderId::Connection) {
        if list_has(value, b"close") {
            return false;
        }
        keep |= list_has(value, b"keep-alive");
    }
    keep
}

/// The protocols of `Upgrade`, when `Connection` names it and there is one such header.
///
/// A server ignores it in HTTP/1.0 (RFC 9110 section 7.8): the caller looks at the version.
#[must_use]
pub fn upgrade_of(headers: &HeaderList) -> Option<&[u8]> {
    let mut upgrades = headers.values_of(HeaderId::Upgrade);
    let (protocols, None) = (upgrades.next()?, upgrades.next()) else { return None };
    let named = headers.values_of(HeaderId::Connection).any(|value| list_has(value, b"upgrade"));
    (named && !protocols.is_empty()).then_some(protocols)
}

/// True when the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1).
#[must_use]
pub fn expects_continue(head: &RequestHead) -> bool {
    let expected = head.headers.value_of(HeaderId::Expect);
    head.version != Version::H10
        && expected.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Coding {
    None,
    Chunked,
}

fn sole_coding(version: Version, headers: &HeaderList) -> Result<Coding, H1Error> {
    let mut codings = headers.values_of(HeaderId::TransferEncoding);
    match (codings.next(), codings.next()) {
        (None, _) => Ok(Coding::None),
        (Some(_), _) if version == Version::H10 => Err(H1Error::TransferEncodingInH10),
        (Some(_), Some(_)) => Err(H1Error::BadTransferEncoding),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Coding::Chunked),
        (Some(codings), None) => Err(coding_fault(codings)),
    }
}

/// Other codings before one last `chunked` are legal and merely unknown here; the rest is broken.
#[cold]
fn coding_fault(codings: &[u8]) -> H1Error {
    let mut others = codings.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let chunked_last = others.next().is_some_and(is_chunked);
    let legal = |coding: &[u8]| !coding.is_empty() && !is_chunked(coding);
    if chunked_last && others.all(legal) {
        H1Error::UnknownTransferCoding
    } else {
        H1Error::BadTransferEncoding
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"chunked")
}

fn agreed_length(headers: &HeaderList) -> Result<Option<u64>, H1Error> {
    let mut agreed = None;
    for value in headers.values_of(HeaderId::ContentLength) {
        let length = number_of(value)?;
        if agreed.is_some_and(|agreed| agreed != length) {
            return Err(H1Error::ConflictingLength);
        }
        agreed = Some(length);
    }
    Ok(agreed)
}

/// Digits only, so few that no parser overflows.
fn number_of(digits: &[u8]) -> Result<u64, H1Error> {
    if memchr::memchr(b',', digits).is_some() {
        return Err(H1Error::ConflictingLength);
    }
    let plain = (1..=LENGTH_DIGITS_MAX).contains(&digits.len());
    if !plain || !digits.iter().all(u8::is_ascii_digit) {
        return Err(H1Error::BadLength);
    }
    Ok(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Fits a signed 64-bit number.
const LENGTH_DIGITS_MAX: usize = 18;

#[cfg(test)]
mod tests;
