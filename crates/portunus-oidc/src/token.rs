//! The token endpoint: a code, or a refresh token, for tokens (RFC 6749 sections 4.1.3 and 6).

use std::time::Duration;

use portunus_fetch::{Fetch, Fetched};
use serde_json::{Map, Value};

use crate::form;
use crate::metadata::Metadata;
use crate::refusal::Refusal;
use crate::session::Tokens;

/// Who we are to a provider.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// Its name for us.
    pub(crate) id: String,
    /// What proves it; a public client has none.
    pub(crate) secret: Option<portunus_spec::Secret>,
    /// Where the secret stands. `None` for where the provider takes it.
    pub(crate) in_body: Option<bool>,
    /// Bound on one request.
    pub(crate) timeout: Duration,
}

impl Client {
    /// Asks for the tokens of a code.
    pub(crate) fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Fetch {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect_uri),
        ];
        self.request(metadata, &form)
    }

    /// Asks for new tokens.
    pub(crate) fn refresh(&self, metadata: &Metadata, refresh_token: &str) -> Fetch {
        self.request(metadata, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    fn request(&self, metadata: &Metadata, form: &[(&str, &str)]) -> Fetch {
        let secret = self.secret.as_ref().map(portunus_spec::Secret::expose);
        let in_body = self.in_body.unwrap_or(metadata.wants_secret_in_body);
        let own: &[(&str, &str)] = match secret {
            Some(secret) if in_body => &[("client_id", &self.id), ("client_secret", secret)],
            Some(_) => &[],
            None => &[("client_id", &self.id)],
        };
        let body = form::encode(form.iter().chain(own).copied());
        let mut fetch = Fetch::post_form(&metadata.token, body);
        fetch.timeout = self.timeout;
        fetch.body_bytes_max = ANSWER_BYTES_MAX;
        let fetch = fetch.with_header("Accept", "application/json");
        match secret.filter(|_| !in_body) {
            Some(secret) => {
                fetch.with_header("Authorization", portunus_jwt::basic(&self.id, secret))
            }
            None => fetch,
        }
    }
}

/// Reads the answer of a token endpoint. New tokens will be asked for so many seconds before these end, but not before
/// half of their life.
///
/// # Errors
/// It is a refusal, or nothing that a token endpoint answers.
pub(crate) fn read(answer: &Fetched, now: u64, refresh_before_s: u64) -> Result<Tokens, Refusal> {
    let Some(fields) = object(&answer.body) else { return Err(Refusal::Unavailable) };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    match (answer.status, text("error")) {
        (200, None) => {}
        (400 | 401 | 403, Some(error)) => return Err(Refusal::code(error)),
        _ => return Err(Refusal::Unavailable),
    }
    // Another type would mean something else than the bare token (RFC 6749 section 7.1).
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Refusal::Unavailable);
    }
    let lasts = fields.get("expires_in").and_then(seconds);
    let token = |name: &str| text(name).filter(|token| is_token(token)).map(str::to_owned);
    Ok(Tokens {
        access: token("access_token"),
        access_ends: lasts.map(|lasts| now.saturating_add(lasts)),
        refresh_at: lasts
            .map(|lasts| now.saturating_add(lasts.saturating_sub(refresh_before_s).max(lasts / 2))),
        refresh: token("refresh_token"),
        id: token("id_token"),
        scope: text("scope").map(str::to_owned),
    })
}

/// Some providers write the number as text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A JSON object.
pub(crate) fn object(body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// True for what may stand in a header after `Bearer `.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Far more than the tokens that fit into cookies.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests;
