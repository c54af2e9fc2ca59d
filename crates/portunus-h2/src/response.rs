//! Heads of answers: out on the server's side, in on the client's.

use http::StatusCode;
use http::header::CONTENT_LENGTH;
use portunus_http::{Framing, HeaderId, ResponseHead, Version};

use crate::H2Fault;
use crate::fields::{REWRITTEN, fields_into, length_value, map_of};

/// The answer of `head`, with a length from `framing`. With [`Framing::None`] the `Content-Length` of the head stays,
/// but not on 1xx and 204: it tells the length that a GET would have had.
pub(crate) fn response_of(
    head: &ResponseHead,
    framing: Framing,
) -> Result<http::Response<()>, H2Fault> {
    let status = StatusCode::from_u16(head.status).map_err(|_| H2Fault::BadStatus)?;
    let mut response = http::Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = map_of(&head.headers, REWRITTEN);
    if head.status >= 200 && head.status != 204 {
        let length = match framing {
            Framing::Length(bytes) => length_value(bytes),
            Framing::None => declared(head),
            Framing::Chunked | Framing::Close => None,
        };
        length.into_iter().for_each(|length| {
            response.headers_mut().insert(CONTENT_LENGTH, length);
        });
    }
    Ok(response)
}

fn declared(head: &ResponseHead) -> Option<http::HeaderValue> {
    let declared = head.headers.value_of(HeaderId::ContentLength)?;
    http::HeaderValue::from_bytes(declared).ok()
}

/// The answer that accepts an extended CONNECT: what a `101` would be in HTTP/1 (RFC 8441 section 5).
pub(crate) fn switch_of(head: &ResponseHead) -> http::Response<()> {
    let skip = REWRITTEN.with(HeaderId::SecWebsocketAccept);
    let mut response = http::Response::new(());
    *response.headers_mut() = map_of(&head.headers, skip);
    response
}

/// Fills `head` from an answer.
pub(crate) fn response_into(
    status: StatusCode,
    fields: &http::HeaderMap,
    fields_max: usize,
    head: &mut ResponseHead,
) -> Result<(), H2Fault> {
    head.clear();
    head.version = Version::H2;
    head.set_status(status.as_u16());
    // A switch of protocols does not exist here (RFC 9113 section 8.6).
    if !(100..600).contains(&head.status) || head.status == 101 {
        return Err(H2Fault::BadStatus);
    }
    fields_into(fields, fields_max, &mut head.headers)
}
