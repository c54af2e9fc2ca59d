//! The signature algorithms of tokens (RFC 7518 section 3, RFC 8037), and sets of them.

use portunus_spec::spec_enum;

use crate::KeyKind;

spec_enum! {
    /// A signature algorithm.
    pub enum Algorithm {
        /// HMAC with SHA-256: both sides share a secret.
        Hs256 = "HS256",
        /// HMAC with SHA-384.
        Hs384 = "HS384",
        /// HMAC with SHA-512.
        Hs512 = "HS512",
        /// RSA, PKCS #1 v1.5, SHA-256.
        Rs256 = "RS256",
        /// RSA, PKCS #1 v1.5, SHA-384.
        Rs384 = "RS384",
        /// RSA, PKCS #1 v1.5, SHA-512.
        Rs512 = "RS512",
        /// RSA, PSS, SHA-256.
        Ps256 = "PS256",
        /// RSA, PSS, SHA-384.
        Ps384 = "PS384",
        /// RSA, PSS, SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// ECDSA on P-521 with SHA-512.
        Es512 = "ES512",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// The algorithm of that name; `Ed25519` (RFC 9864) is another one for `EdDSA`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == name)
    }

    /// The kind of key that it takes.
    #[must_use]
    pub fn key_kind(self) -> KeyKind {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => KeyKind::Secret,
            Self::Rs256 | Self::Rs384 | Self::Rs512 => KeyKind::Rsa,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => KeyKind::Rsa,
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::Es512 => KeyKind::P521,
            Self::EdDsa => KeyKind::Ed25519,
        }
    }

    /// Fewest bytes of a secret: those of the hash (RFC 7518 section 3.2). 0 for algorithms with public keys.
    #[must_use]
    pub fn secret_bytes_min(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// None.
    pub const NONE: Self = Self(0);

    /// All that take a public key.
    #[must_use]
    pub fn public() -> Self {
        Algorithm::ALL.into_iter().filter(|one| one.key_kind() != KeyKind::Secret).collect()
    }

    /// All that take a shared secret.
    #[must_use]
    pub fn shared() -> Self {
        Algorithm::ALL.into_iter().filter(|one| one.key_kind() == KeyKind::Secret).collect()
    }

    /// Whether it holds `algorithm`.
    #[must_use]
    pub fn has(self, algorithm: Algorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }

    /// What both hold.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |bits, one| bits | bit(one)))
    }
}

impl std::fmt::Debug for AlgorithmSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Algorithm::word)).finish()
    }
}

fn bit(algorithm: Algorithm) -> u16 {
    1 << algorithm as u16
}
