//! Public keys in PEM: `PUBLIC KEY`, `RSA PUBLIC KEY` and `CERTIFICATE`.

use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::{AlgorithmSet, Key, KeyFault, KeyKind};

/// Reads every public key of a PEM text, for those of `allowed` that take its kind. Of a certificate only the key
/// counts: neither its names nor its life.
///
/// # Errors
/// One of the keys cannot be used, or there is none.
pub(crate) fn read(
    id: Option<&str>,
    text: &[u8],
    allowed: AlgorithmSet,
) -> Result<Vec<Key>, KeyFault> {
    let mut keys = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|_| KeyFault::Form("it is no PEM"))?;
        keys.push(block_key(id, &block, allowed)?);
    }
    if keys.is_empty() { Err(KeyFault::Form("there is no PEM in it")) } else { Ok(keys) }
}

fn block_key(id: Option<&str>, block: &Pem, allowed: AlgorithmSet) -> Result<Key, KeyFault> {
    let der = &block.contents;
    match block.label.as_str() {
        "PUBLIC KEY" => {
            let (_, info) = SubjectPublicKeyInfo::from_der(der)
                .map_err(|_| KeyFault::Form("it is no public key"))?;
            Key::public(id, kind_of(&info)?, der, allowed)
        }
        "RSA PUBLIC KEY" => Key::public(id, KeyKind::Rsa, der, allowed),
        "CERTIFICATE" => {
            let (_, certificate) = X509Certificate::from_der(der)
                .map_err(|_| KeyFault::Form("it is no certificate"))?;
            let info = certificate.public_key();
            Key::public(id, kind_of(info)?, info.raw, allowed)
        }
        label if label.ends_with("PRIVATE KEY") => {
            Err(KeyFault::Form("it is a private key: only its public half belongs here"))
        }
        _ => Err(KeyFault::Kind),
    }
}

fn kind_of(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, KeyFault> {
    let algorithm = &info.algorithm;
    let curve = algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let curve = curve.map(|oid| oid.to_id_string());
    match (algorithm.algorithm.to_id_string().as_str(), curve.as_deref()) {
        ("1.2.840.113549.1.1.1", _) => Ok(KeyKind::Rsa),
        ("1.2.840.10045.2.1", Some("1.2.840.10045.3.1.7")) => Ok(KeyKind::P256),
        ("1.2.840.10045.2.1", Some("1.3.132.0.34")) => Ok(KeyKind::P384),
        ("1.2.840.10045.2.1", Some("1.3.132.0.35")) => Ok(KeyKind::P521),
        ("1.3.101.112", _) => Ok(KeyKind::Ed25519),
        _ => Err(KeyFault::Kind),
    }
}
