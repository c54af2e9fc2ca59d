//! The whole check of a token: form, key, signature, claims.

use portunus_base::Wall;
use serde_json::{Map, Value};

use crate::token::Header;
use crate::{Fault, KeySet, Rules, Token};

/// A token that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// What the token says of itself.
    pub header: Header,
    /// What the issuer says.
    pub claims: Map<String, Value>,
}

/// Checks a token of at most `bytes_max` bytes at `now`.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    token: &[u8],
    bytes_max: usize,
    keys: &KeySet,
    rules: &Rules,
    now: Wall,
) -> Result<Verified, Fault> {
    let token = Token::parse(token, bytes_max)?;
    keys.verify(token.header(), token.signed(), token.signature())?;
    check_claims(token, rules, now)
}

/// Checks everything but the signature. For where keys cannot be had, never to let somebody in.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_unsigned(
    token: &[u8],
    bytes_max: usize,
    rules: &Rules,
    now: Wall,
) -> Result<Verified, Fault> {
    check_claims(Token::parse(token, bytes_max)?, rules, now)
}

fn check_claims(token: Token<'_>, rules: &Rules, now: Wall) -> Result<Verified, Fault> {
    rules.check_kind(token.header().kind.as_deref())?;
    let claims = token.claims()?;
    rules.check(&claims, now)?;
    Ok(Verified { header: token.into_header(), claims })
}

#[cfg(test)]
mod tests;
