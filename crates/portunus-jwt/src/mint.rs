//! Signing tokens: for `portunus key jwt`, for clients that prove themselves by one, and for tests.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use serde_json::{Map, Value, json};
use x509_parser::pem::Pem;

use crate::key::hmac_algorithm;
use crate::{Algorithm, AlgorithmSet, Key, KeyFault, KeyKind, base64url, jwk};

/// A key that signs. `Debug` shows no part of it.
pub struct SigningKey {
    id: Option<String>,
    kind: KeyKind,
    signer: Signer,
}

enum Signer {
    Secret(Vec<u8>),
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A secret that both sides know.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        Self { id: None, kind: KeyKind::Secret, signer: Signer::Secret(secret.to_vec()) }
    }

    /// The first private key of a PEM text: PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// There is none, or it is of a kind that is not supported.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyFault> {
        let is_key = |block: &Pem| block.label.ends_with("PRIVATE KEY");
        let block = Pem::iter_from_buffer(text).flatten().find(is_key);
        Self::from_der(&block.ok_or(KeyFault::Form("there is no private key in PEM"))?.contents)
    }

    /// A private key in DER: PKCS #8, PKCS #1 or SEC 1.
    ///
    /// # Errors
    /// It is of a kind that is not supported.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyFault> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)) {
            return Self::rsa(pair);
        }
        for (kind, algorithm) in CURVES {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
                return Ok(Self { id: None, kind, signer: Signer::Ec(pair) });
            }
        }
        match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            Ok(pair) => {
                Ok(Self { id: None, kind: KeyKind::Ed25519, signer: Signer::Ed25519(pair) })
            }
            Err(_) => Err(KeyFault::Kind),
        }
    }

    /// A private key or a secret in JSON (RFC 7517).
    ///
    /// # Errors
    /// It is no such key, or of a kind that is not supported.
    pub fn from_jwk(text: &[u8]) -> Result<Self, KeyFault> {
        let jwk = crate::json::parse_object(text);
        let jwk = jwk.map_err(|_| KeyFault::Form("it is no JSON object"))?;
        let key = match jwk::kind_of(&jwk)? {
            KeyKind::Secret => Self::secret(&jwk::bytes(&jwk, "k")?),
            KeyKind::Rsa => Self::rsa(rsa_pair(&jwk)?)?,
            KeyKind::Ed25519 => {
                let (seed, public) = (jwk::bytes_of(&jwk, "d", 32)?, jwk::bytes_of(&jwk, "x", 32)?);
                let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public);
                let pair = pair.map_err(|_| KeyFault::Form("its halves do not fit"))?;
                Self { id: None, kind: KeyKind::Ed25519, signer: Signer::Ed25519(pair) }
            }
            kind => {
                let d = jwk::bytes_of(&jwk, "d", jwk::coordinate_bytes(kind))?;
                let algorithm = CURVES.iter().find(|(known, _)| *known == kind);
                let (_, algorithm) = algorithm.ok_or(KeyFault::Kind)?;
                let point = jwk::point(&jwk, kind)?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point);
                let pair = pair.map_err(|_| KeyFault::Form("its halves do not fit"))?;
                Self { id: None, kind, signer: Signer::Ec(pair) }
            }
        };
        Ok(Self { id: jwk::text(&jwk, "kid").map(str::to_owned), ..key })
    }

    /// The key under a name that its tokens say in `kid`.
    #[must_use]
    pub fn named(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The algorithms that it can sign with; the first one is the usual one.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let fits = |one: &Algorithm| match &self.signer {
            Signer::Secret(secret) => secret.len() >= one.secret_bytes_min(),
            _ => true,
        };
        Algorithm::ALL.into_iter().filter(|one| one.key_kind() == self.kind).filter(fits)
    }

    /// Signs claims: the token.
    ///
    /// # Errors
    /// The key is not for that algorithm, or the secret is too short for it.
    pub fn mint(
        &self,
        algorithm: Algorithm,
        claims: &Map<String, Value>,
    ) -> Result<String, KeyFault> {
        let mut header = json!({"alg": algorithm.word(), "typ": "JWT"});
        if let (Some(id), Value::Object(header)) = (&self.id, &mut header) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        self.mint_with(algorithm, &header, claims)
    }

    /// Signs claims under a header of the caller's, whatever it says.
    ///
    /// # Errors
    /// As for [`SigningKey::mint`].
    pub fn mint_with(
        &self,
        algorithm: Algorithm,
        header: &Value,
        claims: &Map<String, Value>,
    ) -> Result<String, KeyFault> {
        let mut token = base64url::encode(header.to_string().as_bytes());
        token.push('.');
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        base64url::encode_onto(&claims, &mut token);
        let signature = self.sign(algorithm, token.as_bytes())?;
        token.push('.');
        base64url::encode_onto(&signature, &mut token);
        Ok(token)
    }

    /// Signs a message.
    ///
    /// # Errors
    /// As for [`SigningKey::mint`].
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        if !self.algorithms().any(|known| known == algorithm) {
            let is_short = algorithm.key_kind() == KeyKind::Secret && self.kind == KeyKind::Secret;
            return Err(if is_short { KeyFault::Short } else { KeyFault::Algorithm });
        }
        match &self.signer {
            Signer::Secret(secret) => {
                let algorithm = hmac_algorithm(algorithm).ok_or(KeyFault::Algorithm)?;
                let key = hmac::Key::new(algorithm, secret);
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
            Signer::Rsa(pair) => {
                let encoding = rsa_encoding(algorithm).ok_or(KeyFault::Algorithm)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(encoding, &SystemRandom::new(), message, &mut signature);
                signed.map(|()| signature).map_err(|_| KeyFault::Form("it does not sign"))
            }
            Signer::Ec(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(KeyFault::Form("it does not sign")),
            },
            Signer::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The key that checks what this one signs.
    ///
    /// # Errors
    /// None of `allowed` takes it.
    pub fn verifier(&self, allowed: AlgorithmSet) -> Result<Key, KeyFault> {
        let id = self.id.as_deref();
        match &self.signer {
            Signer::Secret(secret) => Key::secret(id, secret, allowed),
            Signer::Rsa(pair) => Key::public(id, self.kind, pair.public_key().as_ref(), allowed),
            Signer::Ec(pair) => Key::public(id, self.kind, pair.public_key().as_ref(), allowed),
            Signer::Ed25519(pair) => {
                Key::public(id, self.kind, pair.public_key().as_ref(), allowed)
            }
        }
    }

    fn rsa(pair: RsaKeyPair) -> Result<Self, KeyFault> {
        // Shorter keys than those that would be taken to check a signature make no tokens either.
        if !(256..=1024).contains(&pair.public_modulus_len()) {
            return Err(KeyFault::Bits);
        }
        Ok(Self { id: None, kind: KeyKind::Rsa, signer: Signer::Rsa(pair) })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?}, {:?})", self.id, self.kind)
    }
}

fn rsa_pair(jwk: &Map<String, Value>) -> Result<RsaKeyPair, KeyFault> {
    let part = |name| jwk::number(jwk, name);
    let public_key = rsa::PublicKeyComponents { n: part("n")?, e: part("e")? };
    let components = rsa::KeyPairComponents {
        public_key,
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dP: part("dp")?,
        dQ: part("dq")?,
        qInv: part("qi")?,
    };
    RsaKeyPair::from_components(&components).map_err(|_| KeyFault::Form("its parts do not fit"))
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_SHA512),
        _ => None,
    }
}

static CURVES: [(KeyKind, &EcdsaSigningAlgorithm); 3] = [
    (KeyKind::P256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
    (KeyKind::P384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
    (KeyKind::P521, &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
];

#[cfg(test)]
mod tests;
