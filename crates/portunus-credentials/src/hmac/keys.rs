//! Keys of signatures: those of consumers, and those of the filter itself.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_identity::{Consumers, Credential, CredentialKind, Identity, SignatureKey};
use portunus_spec::{Named, Reader, Spanned};

use super::KeySpec;
use crate::signature::{Algorithm, KeyFault, SignatureFault, SignatureInput, VerifyingKey};

/// The keys that are written in the filter itself.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<Box<str>, OwnKey>);

#[derive(Debug)]
struct OwnKey {
    key: VerifyingKey,
    algorithm: Option<Algorithm>,
}

/// A key that was found.
#[derive(Debug)]
pub(super) struct KnownKey<'k> {
    id: Box<str>,
    key: Cow<'k, VerifyingKey>,
    /// The only algorithm that it may be used with.
    algorithm: Option<Algorithm>,
    /// The consumer's credential that it is.
    pub(super) credential: Option<&'k Credential>,
}

impl Keys {
    pub(super) fn build(specs: &Named<KeySpec>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut keys = HashMap::new();
        for (id, spec) in specs {
            let key = reader.key(id, |reader| own_key(id, spec, reader));
            keys.extend(key.map(|key| (Box::from(id.as_str()), key)));
        }
        (keys.len() == specs.len()).then_some(Self(keys))
    }

    /// The key of that name; the filter's own come before those of consumers.
    pub(super) fn find<'k>(&'k self, id: &str, consumers: &'k Consumers) -> Option<KnownKey<'k>> {
        if let Some(OwnKey { key, algorithm }) = self.0.get(id) {
            let key = Cow::Borrowed(key);
            return Some(KnownKey { id: id.into(), key, algorithm: *algorithm, credential: None });
        }
        let credential = consumers.signature(id)?;
        let CredentialKind::Signature { key, .. } = &credential.kind else { return None };
        let key = match key {
            SignatureKey::Secret(secret) => VerifyingKey::of_secret(secret),
            SignatureKey::Public { pem } => VerifyingKey::of_pem(pem),
        };
        // A key that cannot be used is as one that is not there.
        let key = Cow::Owned(key.ok()?);
        Some(KnownKey { id: id.into(), key, algorithm: None, credential: Some(credential) })
    }
}

impl KnownKey<'_> {
    /// Checks a signature by the algorithm that it names, else by the one that is the key's own.
    ///
    /// # Errors
    /// An algorithm that is not one of the key's; a signature of something else.
    pub(super) fn verify(
        &self,
        input: &SignatureInput,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureFault> {
        let wrong = SignatureFault::WrongAlgorithm;
        let named = match &input.algorithm {
            Some(name) => Some(Algorithm::of(name).ok_or(wrong)?),
            None => None,
        };
        let allowed = self.key.algorithms();
        let algorithm =
            named.or(self.algorithm).or_else(|| allowed.first().copied()).ok_or(wrong)?;
        if !allowed.contains(&algorithm) || self.algorithm.is_some_and(|only| only != algorithm) {
            return Err(wrong);
        }
        let fits = self.key.verify(algorithm, text, signature);
        fits.then_some(()).ok_or(SignatureFault::Mismatch)
    }

    /// Who has the key.
    pub(super) fn identity(&self) -> Identity {
        match self.credential {
            Some(credential) => Identity::of_credential(METHOD, credential, &self.id),
            None => Identity {
                method: METHOD,
                subject: self.id.clone(),
                credential: self.id.clone(),
                ..Identity::default()
            },
        }
    }
}

fn own_key(id: &Spanned<String>, spec: &KeySpec, reader: &mut Reader<'_>) -> Option<OwnKey> {
    let key = match (&spec.secret, &spec.public) {
        (Some(secret), None) => match secret.expose().strip_prefix(BASE64) {
            None => VerifyingKey::of_secret(secret.expose().as_bytes()),
            Some(encoded) => STANDARD
                .decode(encoded.trim())
                .map_err(|_| NO_BASE64)
                .and_then(|secret| VerifyingKey::of_secret(&secret)),
        }
        .map_err(|fault| (secret.span, fault)),
        (None, Some(pem)) => VerifyingKey::of_pem(pem.expose()).map_err(|fault| (pem.span, fault)),
        _ => Err((id.span, NOT_ONE)),
    };
    let algorithm = spec.algorithm.as_ref();
    match key {
        Ok(key) => {
            let only = algorithm.map(|name| of_key(name, &key, reader));
            let algorithm = match only {
                Some(only) => Some(only?),
                None => None,
            };
            Some(OwnKey { key, algorithm })
        }
        Err((span, fault)) => {
            reader.error(span, fault.message).help(fault.help);
            None
        }
    }
}

fn of_key(
    name: &Spanned<String>,
    key: &VerifyingKey,
    reader: &mut Reader<'_>,
) -> Option<Algorithm> {
    let algorithm = Algorithm::of(name).filter(|it| key.algorithms().contains(it));
    if algorithm.is_none() {
        let allowed = key.algorithms().iter().map(|it| it.name()).collect::<Vec<_>>();
        let message = format!("`{}` is no algorithm of this key", name.value);
        reader.error(name.span, message).help(format!("write {}", allowed.join(" or ")));
    }
    algorithm
}

const METHOD: &str = "hmac";
const BASE64: &str = "base64:";
const NO_BASE64: KeyFault = KeyFault {
    message: "what follows `base64:` is not base64",
    help: "make one: openssl rand -base64 32",
};
const NOT_ONE: KeyFault = KeyFault {
    message: "a key has either `secret` or `public`",
    help: "write `secret: {file: ...}` or `public: {file: key.pem}`",
};
