//! A login under way: what a browser carries from the moment that it is sent to the provider until it comes back.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::form::Form;
use crate::refusal::Refusal;
use crate::seal::{Sealer, random_text};
use crate::session::{read, text_of};
use crate::target::Target;

/// A login under way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Login {
    /// The provider and the client, as [`crate::provider::Provider::mark`] writes them.
    pub(crate) provider: String,
    /// Binds the provider's answer to this browser (RFC 6749 section 10.12).
    pub(crate) state: String,
    /// Binds the ID token to this login.
    pub(crate) nonce: String,
    /// Proves that who redeems the code has asked for it (RFC 7636).
    pub(crate) verifier: String,
    /// Where the user wanted to go.
    pub(crate) target: Target,
    /// When it began, in seconds since the epoch.
    pub(crate) begun: u64,
}

impl Login {
    /// A new one.
    pub(crate) fn begin(provider: &str, target: Target, now: u64) -> Self {
        Self {
            provider: provider.to_owned(),
            state: random_text::<16>(),
            nonce: random_text::<16>(),
            verifier: random_text::<32>(),
            target,
            begun: now,
        }
    }

    /// The challenge of PKCE, by S256.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()))
    }

    /// Seals it under the name of the session's cookie.
    pub(crate) fn seal(&self, sealer: &Sealer, cookie: &str) -> String {
        let Self { provider, state, nonce, verifier, target, begun } = self;
        let whole = json!([provider, state, nonce, verifier, target.as_str(), begun]);
        sealer.seal(&purpose(cookie), whole.to_string().as_bytes())
    }

    /// Opens a sealed one. `None` when it was not sealed by us for that cookie.
    pub(crate) fn open(sealer: &Sealer, cookie: &str, sealed: &[u8]) -> Option<Self> {
        let text = sealer.open(&purpose(cookie), sealed)?;
        let [provider, state, nonce, verifier, target, begun] = read::<6>(&text)?;
        Some(Self {
            provider: text_of(provider)?,
            state: text_of(state)?,
            nonce: text_of(nonce)?,
            verifier: text_of(verifier)?,
            target: Target::parse(text_of(target)?.as_bytes())?,
            begun: Value::as_u64(&begun)?,
        })
    }
}

/// What a provider's answer to a login is checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'e> {
    /// The login that the browser carries for the answer's state, opened.
    pub(crate) login: Option<&'e Login>,
    /// The issuer that the login was for.
    pub(crate) issuer: Option<&'e str>,
    /// That issuer says that its answers name it.
    pub(crate) names_itself: bool,
    /// Now, in seconds since the epoch.
    pub(crate) now: u64,
}

/// Takes the code out of a provider's answer.
///
/// # Errors
/// It is not the answer to a login that this browser has begun, or it is a refusal.
pub(crate) fn code_of<'a>(answer: &'a Form, expected: &Expected<'_>) -> Result<&'a str, Refusal> {
    let state = answer.value("state").ok_or(Refusal::Callback)?;
    let login = expected.login.filter(|login| login.state == state).ok_or(Refusal::State)?;
    if expected.now >= login.begun.saturating_add(LOGIN_SECONDS) {
        return Err(Refusal::State);
    }
    let issuer = expected.issuer.ok_or(Refusal::State)?;
    // An answer of another provider than the one that was asked: a mix-up (RFC 9207 section 2.4).
    match answer.value("iss") {
        Some(named) if named != issuer => return Err(Refusal::Issuer),
        None if expected.names_itself => return Err(Refusal::Issuer),
        _ => {}
    }
    if let Some(error) = answer.value("error") {
        return Err(Refusal::denied(error));
    }
    answer.value("code").ok_or(Refusal::Callback)
}

fn purpose(cookie: &str) -> String {
    format!("login {cookie}")
}

/// How long a login may take.
pub(crate) const LOGIN_SECONDS: u64 = 15 * 60;

#[cfg(test)]
mod tests;
