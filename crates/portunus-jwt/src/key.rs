//! Keys that check signatures.
//!
//! A key is the list of algorithms that it may check, each with what it takes to do so. The token's header only
//! chooses from that list, so a public key can never be taken for a shared secret.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, VerificationAlgorithm};
use aws_lc_rs::{hmac, rsa};

use crate::{Algorithm, AlgorithmSet};

/// A key that checks signatures. `Debug` shows no part of it.
pub struct Key {
    id: Option<Box<str>>,
    kind: KeyKind,
    verifiers: Box<[(Algorithm, Verifier)]>,
}

enum Verifier {
    Public(ParsedPublicKey),
    Secret(Box<hmac::Key>),
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// A secret that both sides know.
    Secret,
    /// RSA with 2048 to 8192 bits.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
    /// The curve P-521.
    P521,
    /// The curve Ed25519.
    Ed25519,
}

/// Why a key cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyFault {
    /// Its form is not the one of its kind: what is wrong.
    Form(&'static str),
    /// Not one of the kinds that are supported.
    Kind,
    /// RSA with fewer than 2048 or more than 8192 bits.
    Bits,
    /// A secret shorter than each hash that it could be for.
    Short,
    /// It is for something else than checking signatures.
    Use,
    /// It is for no algorithm that is allowed.
    Algorithm,
}

impl Key {
    /// A shared secret, for those of `allowed` whose hash is no longer than it.
    ///
    /// # Errors
    /// It is too short for all of them, or none of them takes a secret.
    pub fn secret(
        id: Option<&str>,
        secret: &[u8],
        allowed: AlgorithmSet,
    ) -> Result<Self, KeyFault> {
        let allowed = allowed.both(AlgorithmSet::shared());
        if allowed.is_empty() {
            return Err(KeyFault::Algorithm);
        }
        let long_enough = |one: &Algorithm| secret.len() >= one.secret_bytes_min();
        let verifier = |one: Algorithm| {
            Some((one, Verifier::Secret(Box::new(hmac::Key::new(hmac_algorithm(one)?, secret)))))
        };
        let verifiers: Box<[_]> = allowed.iter().filter(long_enough).filter_map(verifier).collect();
        if verifiers.is_empty() {
            return Err(KeyFault::Short);
        }
        Ok(Self { id: id.map(Into::into), kind: KeyKind::Secret, verifiers })
    }

    /// A public key, for those of `allowed` that take its kind.
    ///
    /// `bytes` are a SubjectPublicKeyInfo (RFC 5280), for RSA also the key alone (RFC 8017), for curves the point.
    ///
    /// # Errors
    /// It is no key of that kind, or for none of `allowed`.
    pub fn public(
        id: Option<&str>,
        kind: KeyKind,
        bytes: &[u8],
        allowed: AlgorithmSet,
    ) -> Result<Self, KeyFault> {
        if kind == KeyKind::Rsa {
            check_rsa(bytes)?;
        }
        let mut verifiers = Vec::new();
        for one in allowed.iter().filter(|one| one.key_kind() == kind) {
            let Some(algorithm) = public_algorithm(one) else { continue };
            let key = ParsedPublicKey::new(algorithm, bytes);
            let key = key.map_err(|_| KeyFault::Form("it is no key of its kind"))?;
            verifiers.push((one, Verifier::Public(key)));
        }
        if verifiers.is_empty() {
            return Err(KeyFault::Algorithm);
        }
        Ok(Self { id: id.map(Into::into), kind, verifiers: verifiers.into() })
    }

    /// Its name: what tokens say in `kid`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The algorithms that it checks.
    #[must_use]
    pub fn algorithms(&self) -> AlgorithmSet {
        self.verifiers.iter().map(|(algorithm, _)| *algorithm).collect()
    }

    /// Whether `signature` is one of `message` by this key and `algorithm`. False also for an algorithm that is not
    /// the key's.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match self.verifiers.iter().find(|(known, _)| *known == algorithm) {
            Some((_, Verifier::Public(key))) => key.verify_sig(message, signature).is_ok(),
            Some((_, Verifier::Secret(key))) => hmac::verify(key, message, signature).is_ok(),
            None => false,
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?}, {:?}, {:?})", self.id, self.kind, self.algorithms())
    }
}

impl std::fmt::Display for KeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Form(what) => what,
            Self::Kind => "its kind is not supported",
            Self::Bits => "RSA keys must have 2048 to 8192 bits",
            Self::Short => {
                "it is too short: HS256 takes a secret of 32 bytes at least, HS384 of 48, HS512 of 64"
            }
            Self::Use => "it is not for checking signatures",
            Self::Algorithm => "it is for no algorithm that is allowed",
        })
    }
}

impl std::error::Error for KeyFault {}

fn check_rsa(bytes: &[u8]) -> Result<(), KeyFault> {
    let key = rsa::PublicKey::from_der(bytes);
    match key.map(|key| RsaParameters::public_modulus_len(key.as_ref())) {
        Ok(Ok(2048..=8192)) => Ok(()),
        Ok(Ok(_)) => Err(KeyFault::Bits),
        _ => Err(KeyFault::Form("it is no RSA key")),
    }
}

pub(crate) fn hmac_algorithm(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn public_algorithm(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => None,
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Some(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => Some(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::EdDsa => Some(&signature::ED25519),
    }
}

#[cfg(test)]
mod tests;
