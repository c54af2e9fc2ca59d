//! What can be wrong with a token.

use std::fmt;

use crate::{Algorithm, JsonFault};

/// What is wrong with a token. Its text is a sentence for the client: it names the check, never the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Longer than the bound.
    TooLong,
    /// Not three parts.
    Parts,
    /// Five parts: an encrypted token.
    Encrypted,
    /// A part is not base64url without padding.
    Base64(Part),
    /// A part is not the JSON that it should be.
    Json(Part, JsonFault),
    /// The header names no algorithm.
    NoAlgorithm,
    /// The header says `none`: the token is not signed.
    Unsigned,
    /// The algorithm is not known, or not one of those that are allowed.
    Algorithm,
    /// The header asks for something (`crit`, `b64`) that must not be passed over.
    Critical,
    /// The header's `typ` is not the one that is asked for.
    Type,
    /// No key goes by the token's `kid`.
    UnknownKey,
    /// The token names no key, and too many could be meant.
    WhichKey,
    /// The key is not for that algorithm.
    KeyRefuses(Algorithm),
    /// The signature is wrong.
    Signature,
    /// `exp` is over.
    Expired,
    /// `nbf` is to come.
    NotYet,
    /// `iat` is to come.
    IssuedLater,
    /// There is no `exp`.
    NoExpiry,
    /// The claim is no number of seconds.
    BadTime(&'static str),
    /// `iss` is somebody else.
    Issuer,
    /// `aud` is somebody else.
    Audience,
    /// A claim is not as asked for.
    Claim(Box<str>),
    /// A scope is missing.
    Scope(Box<str>),
    /// There is more than one token in the request.
    Several,
    /// Who issued the token takes it for good no more.
    Inactive,
    /// The claim that makes it a consumer's is a credential past its life.
    CredentialExpired,
    /// It is of no consumer, and only consumers are let through.
    NoConsumer,
}

/// A part of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The header.
    Header,
    /// The claims.
    Claims,
    /// The signature.
    Signature,
}

/// What follows from a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// The token proves nothing.
    Invalid,
    /// It was good once.
    Expired,
    /// It is good, but not for this.
    Forbidden,
}

impl Fault {
    /// What follows from it.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Expired | Self::CredentialExpired => FaultKind::Expired,
            Self::Claim(_) | Self::Scope(_) => FaultKind::Forbidden,
            _ => FaultKind::Invalid,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::TooLong => "The token is too long.",
            Self::Parts => "The token has not three parts.",
            Self::Encrypted => "The token is encrypted, which is not supported.",
            Self::Base64(part) => return write!(f, "The token's {part} is not base64url."),
            Self::Json(part, fault) => return write!(f, "The token's {part} {fault}."),
            Self::NoAlgorithm => "The token names no algorithm.",
            Self::Unsigned => "The token is not signed.",
            Self::Algorithm => "The token's algorithm is not accepted.",
            Self::Critical => "The token's header asks for an extension that is not supported.",
            Self::Type => "The token's type is not accepted.",
            Self::UnknownKey => "The token's key is not known.",
            Self::WhichKey => "The token does not say which key signed it.",
            Self::KeyRefuses(algorithm) => {
                return write!(f, "The token's key is not for {}.", algorithm.word());
            }
            Self::Signature => "The token's signature is wrong.",
            Self::Expired => "The token is expired.",
            Self::NotYet => "The token is not valid yet.",
            Self::IssuedLater => "The token was issued in the future.",
            Self::NoExpiry => "The token has no `exp`.",
            Self::BadTime(claim) => return write!(f, "The token's `{claim}` is not a time."),
            Self::Issuer => "The token is from another issuer.",
            Self::Audience => "The token is for another audience.",
            Self::Claim(name) => {
                return write!(f, "The token's claim `{name}` is not as required.");
            }
            Self::Several => "The request has more than one token.",
            Self::Inactive => "The token is not active.",
            Self::CredentialExpired => "The token's time as a credential is over.",
            Self::NoConsumer => "The token is not one of a consumer.",
            Self::Scope(scope) => return write!(f, "The token lacks the scope `{scope}`."),
        };
        f.write_str(text)
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "is not JSON",
            Self::NoObject => "is not a JSON object",
            Self::DuplicateKey => "has a key twice",
        })
    }
}
