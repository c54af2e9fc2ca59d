//! What is answered to a request without a good bearer token (RFC 6750 section 3).

use portunus_exchange::Reply;
use portunus_filter::FilterReason;
use portunus_http::is_field_value;
use portunus_spec::Problem;

/// The answer to a request without a token (RFC 6750 section 3): no error code.
pub(crate) fn missing(realm: &str) -> Reply {
    let challenge = format!("Bearer realm=\"{realm}\"");
    let reply =
        Reply::problem(401, FilterReason::MISSING.code).with_detail(FilterReason::MISSING.doc);
    reply.with_header("WWW-Authenticate", challenge)
}

/// The answer to a request with a bad token, with one sentence that says what is wrong.
pub(crate) fn refused(realm: &str, reason: &FilterReason, detail: &str, scope: &str) -> Reply {
    let error = if reason.status == 403 { "insufficient_scope" } else { "invalid_token" };
    let detail = detail.replace(['"', '\\'], "'");
    let mut challenge = format!(
        "Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{}\"",
        detail.replace(|c: char| !c.is_ascii() || c.is_ascii_control(), "?")
    );
    if reason.status == 403 && !scope.is_empty() {
        challenge.push_str(&format!(", scope=\"{scope}\""));
    }
    let reply = Reply::problem(reason.status, reason.code).with_detail(detail);
    reply.with_header("WWW-Authenticate", challenge)
}

/// What may stand between the quotes of a challenge.
pub(crate) fn check_realm(realm: &str) -> Result<(), Problem> {
    match is_field_value(realm.as_bytes()) && realm.is_ascii() && !realm.contains(['"', '\\']) {
        true => Ok(()),
        false => Err(Problem::new("a realm cannot hold quotes or control characters")),
    }
}

#[cfg(test)]
mod tests;
