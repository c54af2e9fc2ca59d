//! Sealing of cookies: AES-256-GCM under keys that are derived from secrets, with rotation.
//!
//! Each text is sealed under a key of its own, derived by HKDF-SHA256 from the secret, a random salt and the purpose.
//! So a text sealed for one purpose does not open for another, and no key meets the bound on random nonces.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Seals texts with the first of its keys, and opens what any of them sealed.
pub(crate) struct Sealer(Box<[Prk]>);

impl Sealer {
    /// A sealer with these secrets, the one that seals first.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s [u8]>) -> Self {
        let salt = Salt::new(HKDF_SHA256, b"portunus cookie v1");
        Self(secrets.into_iter().map(|secret| salt.extract(secret)).collect())
    }

    /// A sealer with a secret of its own, which nobody else knows.
    pub(crate) fn random() -> Self {
        Self::new([random_bytes::<32>().as_slice()])
    }

    /// Seals a text; what comes out may stand in a cookie.
    pub(crate) fn seal(&self, purpose: &str, text: &[u8]) -> String {
        let (salt, nonce) = (random_bytes::<SALT_LEN>(), random_bytes::<NONCE_LEN>());
        let mut sealed = text.to_vec();
        let key = self.0.first().and_then(|secret| key(secret, purpose, &salt));
        let tag = key.and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed).ok()
        });
        let Some(tag) = tag else {
            unreachable!("there is a key, and texts are far shorter than AES-GCM's bound of 64 GiB")
        };
        let parts = [&[VERSION], salt.as_slice(), &nonce, &sealed, tag.as_ref()];
        URL_SAFE_NO_PAD.encode(parts.concat())
    }

    /// Opens what was sealed for the same purpose. `None` for everything else.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        self.0.iter().find_map(|secret| {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let mut text = rest.to_vec();
            let key = key(secret, purpose, salt)?;
            let len = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
            text.truncate(len);
            Some(text)
        })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} keys)", self.0.len())
    }
}

fn key(secret: &Prk, purpose: &str, salt: &[u8]) -> Option<LessSafeKey> {
    let context = [salt, purpose.as_bytes()];
    let material = secret.expand(&context, &AES_256_GCM).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(material)))
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    match rand::fill(&mut bytes) {
        Ok(()) => bytes,
        Err(_) => unreachable!("the library's generator fails only where the system has none"),
    }
}

/// As many random bytes as text for a URL or the name of a cookie.
pub(crate) fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<N>())
}

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;

#[cfg(test)]
mod tests;
