//! What gRPC wants of HTTP beyond bodies and trailers: deadlines, and failures as statuses of its own.
//!
//! After `PROTOCOL-HTTP2.md` of gRPC. The bodies are nobody's business here.

use std::time::Duration;

use portunus_http::{HeaderId, HeaderList, RequestHead, ResponseHead, percent_encode_into};

/// True for a gRPC request; gRPC-Web is another protocol.
pub(crate) fn is_grpc(request: &RequestHead) -> bool {
    let content_type = request.headers.value_of(HeaderId::ContentType).unwrap_or(b"");
    let rest = content_type.split_at_checked(MEDIA_TYPE.len());
    rest.is_some_and(|(media_type, rest)| {
        media_type.eq_ignore_ascii_case(MEDIA_TYPE) && matches!(rest, [] | [b'+' | b';' | b' ', ..])
    })
}

/// How long the client waits for its answer, if it says so.
pub(crate) fn timeout(request: &RequestHead) -> Option<Duration> {
    let value = is_grpc(request).then(|| request.headers.value(TIMEOUT)).flatten()?;
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > TIMEOUT_DIGITS_MAX {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Tells the upstream how long the client still waits. Never nothing: that would be no bound to some.
pub(crate) fn set_timeout(left: Duration, headers: &mut HeaderList) {
    let micros = left.as_micros().max(1);
    let units = [(1, 'u'), (1_000, 'm'), (1_000_000, 'S'), (3_600_000_000, 'H')];
    // The finest unit whose number has no more digits than are allowed.
    let fits = units.into_iter().find(|(unit, _)| micros / unit <= TIMEOUT_MAX);
    if let Some((unit, letter)) = fits {
        headers.set(TIMEOUT, format!("{}{letter}", micros / unit).as_bytes());
    }
}

/// The gRPC status of an answer that is nothing but its head ("trailers-only").
pub(crate) fn status_alone(head: &ResponseHead) -> Option<u8> {
    std::str::from_utf8(head.headers.value(STATUS)?).ok()?.parse().ok()
}

/// The gRPC status that says what a status of HTTP says (`http-grpc-status-mapping.md`).
pub(crate) fn code_of(status: u16) -> u8 {
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        408 | 504 => DEADLINE_EXCEEDED,
        413 | 429 => RESOURCE_EXHAUSTED,
        502 | 503 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// Adds a status and what it is about to the head of an answer without a body.
pub(crate) fn describe(code: u8, message: &str, headers: &mut HeaderList) {
    headers.set_id(HeaderId::ContentType, MEDIA_TYPE);
    headers.set(STATUS, code.to_string().as_bytes());
    if !message.is_empty() {
        headers.set(MESSAGE, &percent_encoded(message));
    }
}

/// Everything but printable ASCII without `%` is escaped.
fn percent_encoded(message: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(message.len());
    let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'%';
    percent_encode_into(message.as_bytes(), is_plain, &mut text);
    text
}

const MEDIA_TYPE: &[u8] = b"application/grpc";
const MESSAGE: &[u8] = b"grpc-message";
const STATUS: &[u8] = b"grpc-status";
const TIMEOUT: &[u8] = b"grpc-timeout";
const TIMEOUT_DIGITS_MAX: usize = 8;
/// The largest number of that many digits.
const TIMEOUT_MAX: u128 = 99_999_999;

const UNKNOWN: u8 = 2;
const DEADLINE_EXCEEDED: u8 = 4;
const PERMISSION_DENIED: u8 = 7;
const RESOURCE_EXHAUSTED: u8 = 8;
const UNIMPLEMENTED: u8 = 12;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;

#[cfg(test)]
mod tests;
