//! What the API refuses is told as JSON: `code`, a stable word for programs, and `error`, a sentence for people.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// Gives the answers of the framework the form of ours: to a body that is no JSON or has an unknown key, to a path that
/// there is not.
pub(super) async fn as_json(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with(API);
    let answer = next.run(request).await;
    let status = answer.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_api || !is_error || is_json(&answer) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    // Texts of the framework are short.
    let text = to_bytes(body, ERROR_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let error = match text.trim_end() {
        "" => status.canonical_reason().unwrap_or_default(),
        text => text,
    };
    let body = Json(json!({"code": code(status), "error": error})).into_response();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(body.headers().clone());
    Response::from_parts(head, Body::new(body.into_body()))
}

fn is_json(answer: &Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// The word for an answer that says no more than its status.
pub(super) fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "body.malformed",
        StatusCode::UNPROCESSABLE_ENTITY => "body.invalid",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "body.content_type",
        StatusCode::PAYLOAD_TOO_LARGE => "body.too_large",
        StatusCode::UNAUTHORIZED => "token.wrong",
        StatusCode::FORBIDDEN => "request.forbidden",
        StatusCode::NOT_FOUND => "path.unknown",
        StatusCode::METHOD_NOT_ALLOWED => "method.not_allowed",
        StatusCode::SERVICE_UNAVAILABLE => "stopping",
        _ => "request.refused",
    }
}

const API: &str = "/api/";
const ERROR_BYTES_MAX: usize = 64 << 10;
