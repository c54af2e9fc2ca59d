//! `Content-Digest` (RFC 9530).

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use portunus_http::HeaderList;
use sfv::{Dictionary, ListEntry, Parser};

use super::SignatureFault;

/// Compares the body with its `Content-Digest`. Each digest of an algorithm that we know must fit, and there must be
/// one.
///
/// # Errors
/// No digest that we know, or one that does not fit.
pub fn check_digest(headers: &HeaderList, body: &[u8]) -> Result<(), SignatureFault> {
    let whole = headers.values(b"content-digest").collect::<Vec<_>>().join(&b", "[..]);
    let digests: Dictionary =
        Parser::new(&whole).parse().map_err(|_| SignatureFault::UnknownDigest)?;
    let mut known = 0;
    for (name, entry) in &digests {
        let Some(algorithm) = algorithm(name.as_str()) else { continue };
        let ListEntry::Item(item) = entry else { return Err(SignatureFault::UnknownDigest) };
        let told = item.bare_item.as_byte_sequence().ok_or(SignatureFault::UnknownDigest)?;
        if digest(algorithm, body).as_ref() != told {
            return Err(SignatureFault::DigestMismatch);
        }
        known += 1;
    }
    if known > 0 { Ok(()) } else { Err(SignatureFault::UnknownDigest) }
}

/// The algorithms that RFC 9530 section 5 calls secure.
fn algorithm(name: &str) -> Option<&'static Algorithm> {
    match name {
        "sha-256" => Some(&SHA256),
        "sha-512" => Some(&SHA512),
        _ => None,
    }
}
