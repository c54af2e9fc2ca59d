//! The health protocol of gRPC: grpc.health.v1, written by hand, since its messages have one field each.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, header};

/// `Check` for a service.
pub(super) fn request(
    scheme: &str,
    authority: &str,
    service: &str,
) -> Result<Request<Full<Bytes>>, String> {
    let uri = format!("{scheme}://{authority}/grpc.health.v1.Health/Check");
    let request = Request::builder().method(Method::POST).uri(uri);
    request
        .header(header::USER_AGENT, "portunus-health")
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Full::new(message(service).into()))
        .map_err(|error| format!("the request cannot be made: {error}"))
}

/// What an answer says of the service.
pub(super) async fn judge(answer: Response<Full<Bytes>>) -> Result<(), String> {
    if answer.status() != hyper::StatusCode::OK {
        return Err(format!("it answered {}", answer.status().as_u16()));
    }
    let status = answer.headers().get("grpc-status").and_then(|value| value.to_str().ok());
    match status {
        Some("0") => {}
        Some(code) => return Err(format!("it answered grpc-status {code}")),
        None => return Err("it answered no gRPC".to_owned()),
    }
    let body = answer.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    match serving_status(&body) {
        Some(SERVING) => Ok(()),
        Some(2) => Err("it is not serving".to_owned()),
        Some(3) => Err("it does not know the service".to_owned()),
        _ => Err("its state is unknown".to_owned()),
    }
}

/// A `HealthCheckRequest` in a frame of gRPC: not compressed, its length, and field 1 as text.
fn message(service: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    if !service.is_empty() {
        fields.push(0x0a);
        varint(service.len(), &mut fields);
        fields.extend_from_slice(service.as_bytes());
    }
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(fields.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(&fields);
    frame
}

/// `status`, field 1 of a `HealthCheckResponse` in a frame of gRPC. Without the field it is 0.
fn serving_status(frame: &[u8]) -> Option<u64> {
    let (head, fields) = frame.split_at_checked(5)?;
    let length = head.get(1..5)?.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
    match fields.get(..length)? {
        [] => Some(0),
        [0x08, status, ..] if *status < 0x80 => Some(u64::from(*status)),
        _ => None,
    }
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

const SERVING: u64 = 1;

#[cfg(test)]
mod tests;
