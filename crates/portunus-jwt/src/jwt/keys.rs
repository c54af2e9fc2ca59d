//! Where the keys of `jwt` come from: written in the configuration, or fetched.

use std::sync::Arc;
use std::time::Duration;

use portunus_filter::BuildCx;
use portunus_spec::{Secret, Spanned, spec};

use super::JwtSpec;
use crate::key_source::{COOLDOWN, KeyPlace, KeySource, is_confidential};
use crate::{Algorithm, AlgorithmSet, Key, KeySet, base64url};

spec! {
    /// Where the keys of an issuer are fetched.
    pub struct JwksSpec {
        short = url;
        /// The URL of the key set. Without it discovery finds the keys.
        url: Option<Spanned<String>>,
        /// A PEM file with the authorities to trust, in place of those of the system.
        ca: Option<Spanned<String>>,
        /// Whether keys may come over plain `http://` from another machine. Whoever is on the way can forge tokens then.
        insecure: bool = false,
        /// Shortest time between two fetches that tokens with unknown keys ask for.
        cooldown: Duration = COOLDOWN,
    }
}

spec! {
    /// A key written in the configuration: one of `secret`, `public_key` and `jwks`.
    pub struct KeySpec {
        /// Its name: the `kid` of its tokens. Without it, it is for tokens with any.
        id: Option<String>,
        /// The one algorithm that it is for. Without it: all of its kind that are accepted.
        algorithm: Option<Algorithm>,
        /// A secret that both sides know, for HS256, HS384 and HS512; its bytes in base64 after `base64:`.
        secret: Option<Spanned<Secret>>,
        /// A PEM file with public keys or certificates, or the PEM text itself.
        public_key: Option<Spanned<String>>,
        /// A file with a set of keys in JSON (RFC 7517), or the JSON text itself.
        jwks: Option<Spanned<String>>,
    }
}

/// Where keys come from.
pub(super) enum Keys {
    Written(KeySet),
    Fetched(Arc<KeySource>),
}

/// The keys of a filter. None, with diagnostics, when there are none or they cannot be used.
pub(super) fn build_keys(spec: &JwtSpec, cx: &mut BuildCx<'_, '_>) -> Option<Keys> {
    if spec.keys.is_empty() {
        return fetched(spec, cx).map(Keys::Fetched);
    }
    if let Some(jwks) = &spec.jwks {
        let error = cx.reader.error(jwks.span, "`jwks` and `keys` are both there");
        error.help("write one of them");
        return None;
    }
    let allowed = match spec.algorithms.is_empty() {
        true => Algorithm::ALL.into_iter().collect(),
        false => spec.algorithms.iter().map(|algorithm| algorithm.value).collect(),
    };
    let mut keys = Vec::new();
    let mut whole = true;
    for key in &spec.keys {
        match written(key, allowed, cx) {
            Some(found) => keys.extend(found),
            None => whole = false,
        }
    }
    whole.then(|| Keys::Written(KeySet::new(keys)))
}

fn fetched(spec: &JwtSpec, cx: &mut BuildCx<'_, '_>) -> Option<Arc<KeySource>> {
    let jwks = spec.jwks.as_ref().map(|jwks| &jwks.value);
    let url = jwks.and_then(|jwks| jwks.url.as_ref());
    let Some(named) = url.or(spec.issuer.as_ref()) else {
        let error = cx.reader.error(cx.span, "`jwt` does not know whose tokens are good");
        error.help("write `issuer: https://id.example.com`, `jwks: https://…` or `keys: [...]`");
        return None;
    };
    let insecure = jwks.is_some_and(|jwks| jwks.insecure);
    let is_url = named.starts_with("https://") || named.starts_with("http://");
    if !is_url || !(insecure || is_confidential(named)) {
        let message = format!("keys cannot be fetched from `{}`", named.value);
        let help = match is_url {
            true => "write an https:// URL: whoever changes keys on the way can forge tokens",
            false => "write an https:// URL, or the keys themselves as `keys`",
        };
        cx.reader.error(named.span, message).help(help);
        return None;
    }
    let allowed = public_algorithms(spec, cx)?;
    if spec.audience.is_empty() {
        let warning = cx.reader.warning(cx.span, "`jwt` takes tokens for any audience");
        warning
            .help("write `audience`: else a token for another service of the issuer is good here");
    }
    let place = KeyPlace {
        url: url.map(|url| url.value.clone()),
        issuer: spec.issuer.as_ref().map_or_else(String::new, |issuer| issuer.value.clone()),
        insecure,
        cooldown: jwks.map_or(COOLDOWN, |jwks| jwks.cooldown),
    };
    let (fetcher, ca) = match jwks.and_then(|jwks| jwks.ca.as_ref()) {
        Some(path) => crate::trust::trusting(path, cx)?,
        None => (cx.services.fetcher.clone(), Vec::new()),
    };
    let key = format!("{place:?} {allowed:?} {}", portunus_identity::KeyHash::of(&ca));
    let source = cx.state(&key, || KeySource::new(place, allowed, fetcher));
    cx.background(Arc::<KeySource>::clone(&source));
    Some(source)
}

/// A secret that everybody can fetch is none, so fetched keys are for public ones alone.
fn public_algorithms(spec: &JwtSpec, cx: &mut BuildCx<'_, '_>) -> Option<AlgorithmSet> {
    if spec.algorithms.is_empty() {
        return Some(AlgorithmSet::public());
    }
    let mut fine = true;
    for algorithm in &spec.algorithms {
        if AlgorithmSet::shared().has(algorithm.value) {
            let message = format!("`{}` needs a secret", algorithm.value.word());
            let error = cx.reader.error(algorithm.span, message);
            error.help("write the secret as `keys: [{secret: {file: /run/secrets/jwt}}]`");
            fine = false;
        }
    }
    fine.then(|| spec.algorithms.iter().map(|algorithm| algorithm.value).collect())
}

fn written(
    key: &Spanned<KeySpec>,
    allowed: AlgorithmSet,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Vec<Key>> {
    let allowed = match key.algorithm {
        Some(algorithm) => allowed.both([algorithm].into_iter().collect()),
        None => allowed,
    };
    let id = key.id.as_deref();
    let (found, span) = match (&key.secret, &key.public_key, &key.jwks) {
        (Some(secret), None, None) => {
            let bytes = secret_bytes(secret.expose());
            let found = bytes.and_then(|bytes| {
                Key::secret(id, &bytes, allowed).map_err(|fault| fault.to_string())
            });
            (found.map(|key| vec![key]), secret.span)
        }
        (None, Some(pem), None) => {
            let text = text_of(pem, "-----BEGIN", cx);
            let found = text.and_then(|text| {
                KeySet::keys_of_pem(id, &text, allowed).map_err(|fault| fault.to_string())
            });
            (found, pem.span)
        }
        (None, None, Some(jwks)) => (keys_of_set(&key.value, jwks, allowed, cx), jwks.span),
        _ => {
            let error =
                cx.reader.error(key.span, "a key is one of `secret`, `public_key` and `jwks`");
            error.help("write `{public_key: /etc/portunus/issuer.pem}`");
            return None;
        }
    };
    let report = |message: String| {
        _ = cx.reader.error(span, format!("the key cannot be used: {message}"));
    };
    found.map_err(report).ok()
}

fn keys_of_set(
    key: &KeySpec,
    jwks: &Spanned<String>,
    allowed: AlgorithmSet,
    cx: &BuildCx<'_, '_>,
) -> Result<Vec<Key>, String> {
    if key.id.is_some() {
        return Err("a set names its keys itself, so there is no `id` for it".to_owned());
    }
    let text = text_of(jwks, "{", cx)?;
    let set = KeySet::parse(&text, allowed).map_err(|fault| fault.to_string())?;
    match set.skipped().first() {
        // What is written here is meant, so nothing of it is passed over.
        Some(skipped) => Err(format!("number {} of the set: {}", skipped.index + 1, skipped.fault)),
        None => Ok(set.into_keys()),
    }
}

/// The text of a file, or the text itself where it begins as such a text does.
fn text_of(written: &str, begin: &str, cx: &BuildCx<'_, '_>) -> Result<Vec<u8>, String> {
    match written.trim_start().starts_with(begin) {
        true => Ok(written.as_bytes().to_vec()),
        false => cx.reader.lookup().bytes(written),
    }
}

/// The bytes of a secret: the text, or what is in base64 after `base64:`.
fn secret_bytes(text: &str) -> Result<Vec<u8>, String> {
    use base64::Engine;
    let Some(encoded) = text.strip_prefix("base64:") else { return Ok(text.as_bytes().to_vec()) };
    let standard = base64::engine::general_purpose::STANDARD.decode(encoded).ok();
    let bytes = standard.or_else(|| base64url::decode(encoded.as_bytes()));
    bytes.ok_or_else(|| "what follows `base64:` is no base64".to_owned())
}
