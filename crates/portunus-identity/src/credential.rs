//! Credentials: how a consumer proves who it is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest;
use portunus_base::{ClientCertificate, Wall};

use crate::Consumer;

/// One way in which a consumer proves who it is.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its name in logs and for `portunus key revoke`; never the secret.
    pub id: Box<str>,
    /// Whose it is.
    pub consumer: Arc<Consumer>,
    /// What proves it.
    pub kind: CredentialKind,
    /// The end of its life.
    pub not_after: Option<Wall>,
}

/// What proves a credential.
#[derive(Clone)]
pub enum CredentialKind {
    /// A key that is shown as it is; only its hash is kept.
    Key(KeyHash),
    /// A user's password.
    Password {
        /// The user's name.
        user: Box<str>,
        /// The hash of the password: the text of argon2 or bcrypt.
        hash: Box<str>,
    },
    /// A key that signs messages (RFC 9421).
    Signature {
        /// The name of the key in signatures.
        key_id: Box<str>,
        /// The key.
        key: SignatureKey,
    },
    /// A TLS certificate of the client.
    Certificate(CertificateMatch),
    /// A claim of a token that an issuer vouches for.
    Claim {
        /// Whose tokens: their `iss`. Without it, those of every issuer that a filter trusts.
        issuer: Option<Box<str>>,
        /// The claim.
        claim: Box<str>,
        /// Its value.
        value: Box<str>,
    },
}

/// What checks signatures.
#[derive(Clone)]
pub enum SignatureKey {
    /// A shared secret.
    Secret(Box<[u8]>),
    /// A public key in PEM.
    Public {
        /// The text.
        pem: Box<str>,
    },
}

/// What a client's certificate must have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateMatch {
    /// This subject: `CN=robot,O=Example`.
    Subject(Box<str>),
    /// This SHA-256 fingerprint, in lower-case hex.
    Fingerprint(Box<str>),
    /// This URI among its names.
    Uri(Box<str>),
    /// This DNS name among its names.
    Dns(Box<str>),
}

/// SHA-256 of a key. Keys are long and random, so a fast hash is enough.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyHash(pub [u8; 32]);

impl Credential {
    /// True once its life is over.
    #[must_use]
    pub fn is_expired(&self, now: Wall) -> bool {
        self.not_after.is_some_and(|end| end <= now)
    }
}

impl CertificateMatch {
    /// Whether a certificate has it.
    #[must_use]
    pub fn fits(&self, certificate: &ClientCertificate) -> bool {
        match self {
            Self::Subject(subject) => certificate.subject == *subject,
            Self::Fingerprint(hex) => certificate.fingerprint_sha256 == *hex,
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Dns(name) => certificate.dns_names.iter().any(|it| it.eq_ignore_ascii_case(name)),
        }
    }
}

impl KeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let mut hash = [0; 32];
        let digest = digest::digest(&digest::SHA256, key);
        hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// The text is no hash of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoKeyHash;

impl FromStr for KeyHash {
    type Err = NoKeyHash;

    fn from_str(text: &str) -> Result<Self, NoKeyHash> {
        let hex = text.strip_prefix(PREFIX).ok_or(NoKeyHash)?;
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(NoKeyHash);
        }
        let mut hash = [0; 32];
        for (at, to) in hash.iter_mut().enumerate() {
            let digits = hex.get(at * 2..at * 2 + 2).ok_or(NoKeyHash)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(NoKeyHash);
            }
            *to = u8::from_str_radix(digits, 16).map_err(|_| NoKeyHash)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Debug for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("Key(..)"),
            Self::Password { user, .. } => write!(f, "Password({user:?}, ..)"),
            Self::Signature { key_id, .. } => write!(f, "Signature({key_id:?}, ..)"),
            Self::Certificate(wanted) => wanted.fmt(f),
            Self::Claim { issuer, claim, value } => {
                write!(f, "Claim({issuer:?}, {claim:?}, {value:?})")
            }
        }
    }
}

impl fmt::Debug for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(..)",
            Self::Public { .. } => "Public(..)",
        })
    }
}

const PREFIX: &str = "sha256:";

#[cfg(test)]
mod tests;
