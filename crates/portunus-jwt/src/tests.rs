//! What the tests of several modules share: the keys of the RFCs, and tokens made with them.

use portunus_base::Wall;
use serde_json::{Map, Value, json};

use crate::{Algorithm, AlgorithmSet, KeySet, SigningKey};

/// The moment of all tests, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn now() -> Wall {
    Wall(NOW * 1_000_000)
}

/// All algorithms.
pub(crate) fn all() -> AlgorithmSet {
    Algorithm::ALL.into_iter().collect()
}

/// Signed examples of RFC 7515, 7520 and 8037, each with its private key.
pub(crate) fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("verify/vectors.json")).unwrap()
}

/// The private key of one of the examples.
pub(crate) fn private_key(source: &str) -> SigningKey {
    SigningKey::from_jwk(private_jwk(source).to_string().as_bytes()).unwrap()
}

/// The same in JSON. Readers of public keys look at the public half alone.
pub(crate) fn private_jwk(source: &str) -> Value {
    vectors().iter().find(|one| one["source"] == source).unwrap()["key"].clone()
}

/// A key for each algorithm.
pub(crate) fn key_for(algorithm: Algorithm) -> SigningKey {
    match algorithm.word() {
        "HS256" | "HS384" | "HS512" => private_key("RFC 7515 A.1"),
        "ES256" => private_key("RFC 7515 A.3"),
        "ES384" => SigningKey::from_der(&p384()).unwrap(),
        "ES512" => private_key("RFC 7515 A.4"),
        "EdDSA" => private_key("RFC 8037 A.4"),
        _ => private_key("RFC 7515 A.2"),
    }
}

fn p384() -> Vec<u8> {
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

/// A set of the key that goes with `key`.
pub(crate) fn set_of(key: &SigningKey) -> KeySet {
    KeySet::new(vec![key.verifier(all()).unwrap()])
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Claims that hold for an hour.
pub(crate) fn good_claims() -> Map<String, Value> {
    map(json!({
        "iss": "https://id.example.com",
        "aud": "shop",
        "sub": "alice",
        "exp": NOW + 3600,
        "iat": NOW,
        "scope": "read write",
    }))
}
