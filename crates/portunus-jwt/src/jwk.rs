//! Keys in JSON (RFC 7517, RFC 7518 section 6, RFC 8037).

use aws_lc_rs::signature::{self, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::{Algorithm, AlgorithmSet, Key, KeyFault, KeyKind, base64url};

/// Reads a public key or a secret, for those of `allowed` that its own `alg`, `use` and `key_ops` allow too.
///
/// # Errors
/// It cannot be used; the fault says why.
pub(crate) fn read(jwk: &Map<String, Value>, allowed: AlgorithmSet) -> Result<Key, KeyFault> {
    check_use(jwk)?;
    let allowed = match text(jwk, "alg") {
        Some(name) => allowed.both(Algorithm::named(name).into_iter().collect()),
        None => allowed,
    };
    let id = text(jwk, "kid");
    let kind = kind_of(jwk)?;
    match kind {
        KeyKind::Secret => Key::secret(id, &bytes(jwk, "k")?, allowed),
        KeyKind::Rsa => Key::public(id, kind, &rsa(jwk)?, allowed),
        KeyKind::Ed25519 => Key::public(id, kind, &bytes_of(jwk, "x", 32)?, allowed),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => {
            Key::public(id, kind, &point(jwk, kind)?, allowed)
        }
    }
}

/// The kind that `kty` and `crv` name.
pub(crate) fn kind_of(jwk: &Map<String, Value>) -> Result<KeyKind, KeyFault> {
    let kind = text(jwk, "kty").ok_or(KeyFault::Form("`kty` is missing"))?;
    match (kind, text(jwk, "crv")) {
        ("oct", _) => Ok(KeyKind::Secret),
        ("RSA", _) => Ok(KeyKind::Rsa),
        ("EC", Some("P-256")) => Ok(KeyKind::P256),
        ("EC", Some("P-384")) => Ok(KeyKind::P384),
        ("EC", Some("P-521")) => Ok(KeyKind::P521),
        ("OKP", Some("Ed25519")) => Ok(KeyKind::Ed25519),
        _ => Err(KeyFault::Kind),
    }
}

fn check_use(jwk: &Map<String, Value>) -> Result<(), KeyFault> {
    let signs = jwk.get("use").is_none_or(|value| value.as_str() == Some("sig"));
    let verifies = jwk.get("key_ops").is_none_or(|value| match value {
        Value::Array(operations) => operations.iter().any(|one| one.as_str() == Some("verify")),
        _ => false,
    });
    if signs && verifies { Ok(()) } else { Err(KeyFault::Use) }
}

/// The SubjectPublicKeyInfo of an RSA key.
fn rsa(jwk: &Map<String, Value>) -> Result<Vec<u8>, KeyFault> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    let key = RsaPublicKeyComponents { n, e };
    let key = key.to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256);
    Ok(key.map_err(|_| KeyFault::Form("it is no RSA key"))?.as_ref().to_vec())
}

/// The point of a curve, uncompressed (SEC 1 section 2.3.3).
pub(crate) fn point(jwk: &Map<String, Value>, kind: KeyKind) -> Result<Vec<u8>, KeyFault> {
    let len = coordinate_bytes(kind);
    let mut point = vec![4];
    point.extend(bytes_of(jwk, "x", len)?);
    point.extend(bytes_of(jwk, "y", len)?);
    Ok(point)
}

/// The length of a coordinate in bytes: fixed (RFC 7518 section 6.2.1.2).
pub(crate) fn coordinate_bytes(kind: KeyKind) -> usize {
    match kind {
        KeyKind::P384 => 48,
        KeyKind::P521 => 66,
        _ => 32,
    }
}

/// A large number. Leading zeros are forbidden (RFC 7518 section 2), but some issuers write one.
pub(crate) fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let bytes = bytes(jwk, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.get(zeros..).unwrap_or_default().to_vec())
}

pub(crate) fn bytes_of(
    jwk: &Map<String, Value>,
    name: &'static str,
    len: usize,
) -> Result<Vec<u8>, KeyFault> {
    let bytes = bytes(jwk, name)?;
    if bytes.len() == len { Ok(bytes) } else { Err(KeyFault::Form("a number has another length")) }
}

pub(crate) fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let text = text(jwk, name).ok_or(KeyFault::Form("a part of the key is missing"))?;
    base64url::decode(text.as_bytes()).ok_or(KeyFault::Form("a part of the key is no base64url"))
}

pub(crate) fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}
