//! What an ID token, or a logout token, must say (OpenID Connect Core section 3.1.3.7, Back-Channel Logout section 2.6).

use portunus_jwt::{Fault, Rules, Verified};
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// What the ID tokens of a provider for a client must say.
pub(crate) fn rules(issuer: &str, client: &str) -> Rules {
    let there = |name: &str| (name.to_owned(), Vec::new());
    Rules {
        issuer: Some(issuer.to_owned()),
        audiences: vec![client.to_owned()],
        claims: vec![there("sub"), there("iat")],
        ..Rules::default()
    }
}

/// Checks what the rules of tokens in general do not know of: the nonce of the login, and for whom the token is meant
/// where it is for several. Gives its claims.
///
/// # Errors
/// The token is of another login, or for somebody else.
pub(crate) fn check(
    verified: Verified,
    client: &str,
    nonce: &str,
) -> Result<Map<String, Value>, Refusal> {
    let claims = verified.claims;
    if text(&claims, "nonce") != Some(nonce) {
        return Err(Refusal::Nonce);
    }
    check_party(&claims, client)?;
    subject(&claims).ok_or(Refusal::IdToken("it names no subject"))?;
    Ok(claims)
}

/// Checks the ID token that came with new tokens against the one of the login (Core section 12.2). Gives its claims.
///
/// # Errors
/// It is of somebody else.
pub(crate) fn check_again(
    verified: Verified,
    client: &str,
    before: &Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let claims = verified.claims;
    check_party(&claims, client)?;
    match subject(&claims) {
        Some(subject) if text(before, "sub") == Some(subject) => Ok(claims),
        _ => Err(Refusal::IdToken("it is of another user")),
    }
}

fn check_party(claims: &Map<String, Value>, client: &str) -> Result<(), Refusal> {
    let is_for_several =
        claims.get("aud").and_then(Value::as_array).is_some_and(|audience| audience.len() > 1);
    let is_ours = match claims.get("azp") {
        Some(party) => party.as_str() == Some(client),
        None => !is_for_several,
    };
    if is_ours { Ok(()) } else { Err(Refusal::IdToken("it was issued to another client")) }
}

/// Whose sessions a logout token ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Logout {
    /// One session at the provider.
    pub(crate) sid: Option<String>,
    /// All sessions of a user, where no session is named.
    pub(crate) subject: Option<String>,
    /// When, in seconds since the epoch.
    pub(crate) at: u64,
}

/// What the logout tokens of a provider for a client must say. Some providers write no `exp`; how old a token may be
/// is then for [`logout`].
pub(crate) fn logout_rules(issuer: &str, client: &str) -> Rules {
    Rules {
        issuer: Some(issuer.to_owned()),
        audiences: vec![client.to_owned()],
        claims: vec![("iat".to_owned(), Vec::new())],
        needs_expiry: false,
        ..Rules::default()
    }
}

/// Reads a logout token whose signature, issuer, audience and times are right.
///
/// # Errors
/// It is no logout token: an ID token, above all, is none.
pub(crate) fn logout(verified: &Verified, now: u64) -> Result<Logout, Refusal> {
    let claims = &verified.claims;
    let kind = verified.header.kind.as_deref().map(str::to_ascii_lowercase);
    if !matches!(kind.as_deref(), None | Some("logout+jwt" | "application/logout+jwt" | "jwt")) {
        return Err(Refusal::LogoutToken("its type is another one"));
    }
    let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(Refusal::LogoutToken("it tells of no logout"));
    }
    if claims.contains_key("nonce") {
        return Err(Refusal::LogoutToken("it has a nonce, as ID tokens have"));
    }
    let at = claims.get("iat").and_then(Value::as_f64).unwrap_or(0.0) as u64;
    if at.saturating_add(LOGOUT_SECONDS) < now {
        return Err(Refusal::LogoutToken("it is too old"));
    }
    let (sid, subject) = (text(claims, "sid"), subject(claims));
    if sid.is_none() && subject.is_none() {
        return Err(Refusal::LogoutToken("it names neither a session nor a user"));
    }
    Ok(Logout { sid: sid.map(str::to_owned), subject: subject.map(str::to_owned), at })
}

/// What is wrong with a token, in words that are the same for all tokens.
pub(crate) fn fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::Expired => "it has expired",
        Fault::NotYet | Fault::IssuedLater => "it is not valid yet",
        Fault::Issuer => "it is of another issuer",
        Fault::Audience => "it is for another client",
        Fault::Signature => "its signature is wrong",
        Fault::UnknownKey | Fault::WhichKey | Fault::KeyRefuses(_) => "its key is not known",
        Fault::Unsigned | Fault::NoAlgorithm | Fault::Algorithm => "its algorithm is not accepted",
        Fault::NoExpiry => "it has no end",
        Fault::Claim(_) => "a claim is missing",
        _ => "it has another form",
    }
}

fn subject(claims: &Map<String, Value>) -> Option<&str> {
    text(claims, "sub").filter(|subject| !subject.is_empty())
}

fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long after its making a logout token is taken.
const LOGOUT_SECONDS: u64 = 5 * 60;

#[cfg(test)]
mod tests;
