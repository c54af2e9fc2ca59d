//! Answers that refuse a message, with a list of what is wrong (RFC 9457).

use bytes::Bytes;
use portunus_exchange::{Reason, Reply, ReplyBody};
use portunus_http::reason_phrase;
use serde_json::{Map, Value};

use crate::violation::Violation;

/// An answer that lists what is wrong.
pub(crate) fn reply(
    status: u16,
    reason: &'static str,
    detail: &str,
    violations: &[Violation],
) -> Reply {
    let mut page = Map::new();
    page.insert("type".to_owned(), "about:blank".into());
    page.insert("title".to_owned(), reason_phrase(status).into());
    page.insert("status".to_owned(), status.into());
    page.insert("reason".to_owned(), reason.into());
    page.insert("detail".to_owned(), detail.into());
    let errors = violations.iter().map(Violation::to_json).collect();
    page.insert("errors".to_owned(), Value::Array(errors));
    let body = Bytes::from(format!("{}\n", Value::Object(page)));
    let mut reply = Reply::plain(status, ReplyBody::Whole(body));
    reply.reason = Some(Reason(reason));
    reply.with_header("Content-Type", "application/problem+json")
}
