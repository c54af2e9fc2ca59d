//! Keys that check signatures. What a key is decides which algorithms it may be used with; what a message says can
//! only choose among those.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::Algorithm;

/// A key that checks signatures. Debug shows nothing of it.
#[derive(Clone)]
pub enum VerifyingKey {
    /// A shared secret.
    Secret(Box<hmac::Key>),
    /// A public key.
    Public {
        /// What kind of key.
        kind: PublicKind,
        /// The key in DER.
        der: Box<[u8]>,
    },
}

/// Kinds of public keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKind {
    /// RSA, of at least 2048 bits.
    Rsa,
    /// On the curve P-256.
    P256,
    /// On the curve P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyFault {
    /// What is wrong.
    pub message: &'static str,
    /// What to write instead.
    pub help: &'static str,
}

impl VerifyingKey {
    /// A shared secret.
    ///
    /// # Errors
    /// One that is so short that it can be guessed.
    pub fn of_secret(secret: &[u8]) -> Result<Self, KeyFault> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyFault {
                message: "the secret is shorter than 16 bytes",
                help: "make one: openssl rand -base64 32",
            });
        }
        Ok(Self::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    /// A public key in PEM.
    ///
    /// # Errors
    /// No such block, one that cannot be read, and keys that are too short or of an unknown kind.
    pub fn of_pem(pem: &str) -> Result<Self, KeyFault> {
        if let Some(der) = block(pem, "RSA PUBLIC KEY") {
            let (_, key) = RSAPublicKey::from_der(&der).map_err(|_| UNREADABLE)?;
            check_rsa(&key)?;
            return Ok(Self::Public { kind: PublicKind::Rsa, der: der.into() });
        }
        let der = block(pem, "PUBLIC KEY").ok_or(NO_KEY)?;
        let kind = kind_of(&der)?;
        Ok(Self::Public { kind, der: der.into() })
    }

    /// The algorithms that it may be used with; the first is the one where nobody says which.
    #[must_use]
    pub fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Secret(_) => &[Algorithm::HmacSha256],
            Self::Public { kind: PublicKind::Rsa, .. } => {
                &[Algorithm::RsaPssSha512, Algorithm::RsaV15Sha256]
            }
            Self::Public { kind: PublicKind::P256, .. } => &[Algorithm::EcdsaP256Sha256],
            Self::Public { kind: PublicKind::P384, .. } => &[Algorithm::EcdsaP384Sha384],
            Self::Public { kind: PublicKind::Ed25519, .. } => &[Algorithm::Ed25519],
        }
    }

    /// Whether `signature` is the one of `text` by this key and algorithm.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
        if !self.algorithms().contains(&algorithm) {
            return false;
        }
        match (self, verification(algorithm)) {
            (Self::Secret(key), None) => hmac::verify(key, text, signature).is_ok(),
            (Self::Public { der, .. }, Some(algorithm)) => {
                UnparsedPublicKey::new(algorithm, der).verify(text, signature).is_ok()
            }
            _ => false,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Public { kind, .. } => write!(f, "Public({kind:?})"),
        }
    }
}

fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::HmacSha256 => None,
        Algorithm::RsaPssSha512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::RsaV15Sha256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::EcdsaP256Sha256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::EcdsaP384Sha384 => Some(&ECDSA_P384_SHA384_FIXED),
        Algorithm::Ed25519 => Some(&ED25519),
    }
}

/// The kind of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
fn kind_of(der: &[u8]) -> Result<PublicKind, KeyFault> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| UNREADABLE)?;
    if info.algorithm.algorithm.to_id_string() == ED25519_OID {
        return Ok(PublicKind::Ed25519);
    }
    match info.parsed().map_err(|_| UNREADABLE)? {
        PublicKey::RSA(key) => check_rsa(&key).map(|()| PublicKind::Rsa),
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some(P256_OID) => Ok(PublicKind::P256),
                Some(P384_OID) => Ok(PublicKind::P384),
                _ => Err(UNKNOWN_KIND),
            }
        }
        _ => Err(UNKNOWN_KIND),
    }
}

fn check_rsa(key: &RSAPublicKey<'_>) -> Result<(), KeyFault> {
    if (2048..=8192).contains(&key.key_size()) {
        return Ok(());
    }
    Err(KeyFault { message: "the RSA key has not 2048 to 8192 bits", help: "use one of 2048 bits" })
}

/// The content of the first PEM block with that label (RFC 7468).
fn block(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let (_, rest) = pem.split_once(&begin)?;
    let (text, _) = rest.split_once(&end)?;
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

const NO_KEY: KeyFault = KeyFault {
    message: "there is no public key in it",
    help: "a block begins with -----BEGIN PUBLIC KEY-----; openssl pkey -in private.pem -pubout makes one",
};
const UNREADABLE: KeyFault = KeyFault {
    message: "the public key cannot be read",
    help: "openssl pkey -in private.pem -pubout makes one",
};
const UNKNOWN_KIND: KeyFault = KeyFault {
    message: "the public key is of a kind that is not supported",
    help: "use RSA, P-256, P-384 or Ed25519",
};
const ED25519_OID: &str = "1.3.101.112";
const P256_OID: &str = "1.2.840.10045.3.1.7";
const P384_OID: &str = "1.3.132.0.34";
/// Shorter secrets can be guessed.
const SECRET_BYTES_MIN: usize = 16;
