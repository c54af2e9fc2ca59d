//! All keys of an issuer, and which of them a token means.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::token::Header;
use crate::{AlgorithmSet, Fault, JsonFault, Key, KeyFault, jwk, pem};

/// All keys of an issuer. Immutable: new keys are a new set.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    by_id: HashMap<Box<str>, Vec<u32>>,
    skipped: Vec<Skipped>,
}

/// A key of a set that is not used, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Where it stands in the set, from 0.
    pub index: usize,
    /// Its name.
    pub id: Option<String>,
    /// Why.
    pub fault: KeyFault,
}

/// Why a text is no set of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeySetFault {
    /// More than [`SET_BYTES_MAX`] bytes.
    TooLong,
    /// It is no JSON object.
    Json(JsonFault),
    /// There is no list `keys` in it.
    NoKeys,
    /// More than [`SET_KEYS_MAX`] keys.
    TooMany,
    /// None of its keys can be used.
    NoneUsable,
}

impl KeySet {
    /// A set of these keys.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        let mut by_id: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        for (index, key) in (0..).zip(&keys) {
            if let Some(id) = key.id() {
                by_id.entry(id.into()).or_default().push(index);
            }
        }
        Self { keys, by_id, skipped: Vec::new() }
    }

    /// Reads a set (RFC 7517 section 5), or a key alone. Keys that cannot be used are left out, with the reason.
    ///
    /// # Errors
    /// It is no such set, larger than the bounds, or none of its keys can be used.
    pub fn parse(text: &[u8], allowed: AlgorithmSet) -> Result<Self, KeySetFault> {
        if text.len() > SET_BYTES_MAX {
            return Err(KeySetFault::TooLong);
        }
        let set = crate::json::parse_object(text).map_err(KeySetFault::Json)?;
        let written: Vec<&Map<String, Value>> = match set.get("keys") {
            Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_object).collect(),
            None if set.contains_key("kty") => vec![&set],
            _ => return Err(KeySetFault::NoKeys),
        };
        if written.len() > SET_KEYS_MAX {
            return Err(KeySetFault::TooMany);
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (index, key) in written.into_iter().enumerate() {
            match jwk::read(key, allowed) {
                Ok(key) => keys.push(key),
                Err(fault) => {
                    let id = jwk::text(key, "kid").map(str::to_owned);
                    skipped.push(Skipped { index, id, fault });
                }
            }
        }
        if keys.is_empty() {
            return Err(KeySetFault::NoneUsable);
        }
        Ok(Self { skipped, ..Self::new(keys) })
    }

    /// The public keys of a PEM text, all under one name.
    ///
    /// # Errors
    /// One of them cannot be used, or there is none.
    pub fn keys_of_pem(
        id: Option<&str>,
        text: &[u8],
        allowed: AlgorithmSet,
    ) -> Result<Vec<Key>, KeyFault> {
        pem::read(id, text, allowed)
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys themselves.
    #[must_use]
    pub fn into_keys(self) -> Vec<Key> {
        self.keys
    }

    /// The keys that were left out.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Checks a signature with the key that the header means: the one named by `kid`, else those without a name,
    /// else, where the header names none, each that is for the algorithm.
    ///
    /// # Errors
    /// No key, too many keys, or a wrong signature.
    pub fn verify(&self, header: &Header, signed: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let algorithm = header.algorithm;
        let verifies = |key: &Key| key.verify(algorithm, signed, signature);
        match header.key_id.as_deref().and_then(|id| self.by_id.get(id)) {
            Some(named) => {
                let named = named.iter().filter_map(|index| self.keys.get(*index as usize));
                let mut fit = named.filter(|key| key.algorithms().has(algorithm)).peekable();
                fit.peek().ok_or(Fault::KeyRefuses(algorithm))?;
                let is_signed = fit.take(TRIES_MAX).any(verifies);
                if is_signed { Ok(()) } else { Err(Fault::Signature) }
            }
            None => {
                let is_meant = |key: &&Key| header.key_id.is_none() || key.id().is_none();
                let fit = self.keys.iter().filter(is_meant);
                let mut fit = fit.filter(|key| key.algorithms().has(algorithm)).peekable();
                fit.peek().ok_or(Fault::UnknownKey)?;
                let is_signed = fit.by_ref().take(TRIES_MAX).any(verifies);
                match is_signed {
                    true => Ok(()),
                    // More keys than are tried: nobody may make us try a thousand.
                    false if fit.next().is_some() => Err(Fault::WhichKey),
                    false if header.key_id.is_some() => Err(Fault::UnknownKey),
                    false => Err(Fault::Signature),
                }
            }
        }
    }
}

impl std::fmt::Display for KeySetFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "it has more than {SET_BYTES_MAX} bytes"),
            Self::Json(fault) => write!(f, "it {fault}"),
            Self::NoKeys => f.write_str("it has no list `keys`"),
            Self::TooMany => write!(f, "it has more than {SET_KEYS_MAX} keys"),
            Self::NoneUsable => f.write_str("none of its keys can be used"),
        }
    }
}

impl std::error::Error for KeySetFault {}

/// The largest set, in bytes.
pub const SET_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most keys of a set.
pub const SET_KEYS_MAX: usize = 2000;

/// How many keys are tried where the token does not say which.
const TRIES_MAX: usize = 8;

#[cfg(test)]
mod tests;
