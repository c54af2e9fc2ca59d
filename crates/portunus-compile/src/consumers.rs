//! Consumers, their credentials and their plans, as the configuration names them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portunus_base::Rate;
use portunus_config::ConfigSpec;
use portunus_config::spec::{ConsumerSpec, KeySpec, PlanSpec, SignatureSpec};
use portunus_identity::{
    Builder, CertificateMatch, Consumer, Consumers, Credential, CredentialKind, KeyHash, Plan,
    SignatureKey,
};
use portunus_spec::{Problem, Reader, Span, Spanned};

use crate::tls::Files;

/// What the configuration says of consumers. A store may add more of them while it is in force.
#[derive(Clone, Debug, Default)]
pub struct ConsumerSource {
    /// The consumers.
    pub consumers: Vec<KnownConsumer>,
    /// The plans, by name: for the consumers of a store too.
    pub plans: BTreeMap<Box<str>, Arc<Plan>>,
}

/// A consumer and how it proves who it is.
#[derive(Clone, Debug)]
pub struct KnownConsumer {
    /// The consumer.
    pub consumer: Arc<Consumer>,
    /// Its credentials.
    pub credentials: Vec<Credential>,
}

impl ConsumerSource {
    /// Starts a table with these consumers.
    #[must_use]
    pub fn table(&self) -> Builder {
        let mut builder = Consumers::builder();
        for KnownConsumer { consumer, credentials } in &self.consumers {
            builder.consumer(Arc::clone(consumer));
            for credential in credentials {
                builder.credential(credential.clone());
            }
        }
        builder
    }
}

impl KnownConsumer {
    /// Whether it is the same, and known by the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let pairs = || self.credentials.iter().zip(&other.credentials);
        self.consumer == other.consumer
            && self.credentials.len() == other.credentials.len()
            && pairs().all(|(old, new)| (&old.id, old.not_after) == (&new.id, new.not_after))
            && pairs().all(|(old, new)| proof(&old.kind) == proof(&new.kind))
    }
}

/// What proves a credential, to be compared and never to be shown.
fn proof(kind: &CredentialKind) -> (&str, Cow<'_, [u8]>) {
    match kind {
        CredentialKind::Key(KeyHash(hash)) => ("key", hash.into()),
        CredentialKind::Password { user, hash } => (user, hash.as_bytes().into()),
        CredentialKind::Signature { key_id, key: SignatureKey::Secret(secret) } => {
            (key_id, (&**secret).into())
        }
        CredentialKind::Signature { key_id, key: SignatureKey::Public { pem } } => {
            (key_id, pem.as_bytes().into())
        }
        CredentialKind::Certificate(wanted) => {
            ("certificate", format!("{wanted:?}").into_bytes().into())
        }
        CredentialKind::Claim { issuer, claim, value } => {
            (claim, format!("{issuer:?} {value}").into_bytes().into())
        }
    }
}

/// Reads `consumers` and `plans`. What is wrong is left out, after it was reported.
pub(crate) fn read(
    config: &ConfigSpec,
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> ConsumerSource {
    let plans =
        config.plans.iter().map(|(name, plan)| (boxed(name), Arc::new(self::plan(name, plan))));
    let mut found = Found { files, taken: HashMap::new(), made: ConsumerSource::default() };
    found.made.plans = plans.collect();
    reader.key("consumers", |reader| {
        for (index, spec) in config.consumers.iter().enumerate() {
            reader.index(index, |reader| found.consumer(spec, reader));
        }
    });
    found.made
}

fn plan(name: &str, spec: &PlanSpec) -> Plan {
    let rates = |list: &[Spanned<Rate>]| list.iter().map(|rate| rate.value).collect();
    Plan { name: name.into(), rates: rates(&spec.rate), quotas: rates(&spec.quota) }
}

/// What was read so far.
struct Found<'a> {
    files: &'a Files<'a>,
    /// What proves a credential, and where it is written first.
    taken: HashMap<String, Span>,
    made: ConsumerSource,
}

impl Found<'_> {
    fn consumer(&mut self, spec: &ConsumerSpec, reader: &mut Reader<'_>) {
        let plan = spec.plan.as_ref().and_then(|name| self.made.plans.get(name.as_str()));
        let attributes = spec.attributes.iter();
        let consumer = Arc::new(Consumer {
            id: boxed(spec.full_id()),
            name: boxed(&spec.name),
            groups: spec.groups.iter().map(boxed).collect(),
            attributes: attributes.map(|(name, value)| (boxed(name), boxed(value))).collect(),
            plan: plan.cloned(),
        });
        let known = KnownConsumer { consumer: Arc::clone(&consumer), credentials: Vec::new() };
        self.made.consumers.push(known);
        for (index, key) in spec.keys.iter().enumerate() {
            self.key(key, index, &consumer, reader);
        }
        for password in &spec.passwords {
            let (user, hash) = (boxed(&password.user), password.hash.expose().into());
            self.add(&password.user, &consumer, CredentialKind::Password { user, hash });
        }
        for signature in &spec.signatures {
            let Some(key) = self.signature(signature, reader) else { continue };
            let key_id = boxed(&signature.id);
            self.add(&signature.id, &consumer, CredentialKind::Signature { key_id, key });
        }
        for written in &spec.certificates {
            self.certificate(written, &consumer, reader);
        }
        for (claim, values) in &spec.claims {
            for value in values {
                self.claim(claim, value, spec.claim_issuer.as_ref(), &consumer, reader);
            }
        }
    }

    fn key(
        &mut self,
        KeySpec(spec): &KeySpec,
        index: usize,
        consumer: &Arc<Consumer>,
        reader: &mut Reader<'_>,
    ) {
        let text = spec.value.expose();
        let hash = text.parse().unwrap_or_else(|_| KeyHash::of(text.as_bytes()));
        if !self.is_new(hash.to_string(), spec.value.span, "this key", reader) {
            return;
        }
        let made_up = || format!("{}-{}", consumer.name, index + 1).into();
        let id = spec.id.as_ref().map_or_else(made_up, boxed);
        let not_after = spec.expires.as_ref().map(|expires| expires.value.0);
        let kind = CredentialKind::Key(hash);
        self.push(Credential { id, consumer: Arc::clone(consumer), kind, not_after });
    }

    fn signature(&self, spec: &SignatureSpec, reader: &mut Reader<'_>) -> Option<SignatureKey> {
        if let Some(secret) = &spec.secret {
            let Some(encoded) = secret.expose().strip_prefix(BASE64_PREFIX) else {
                return Some(SignatureKey::Secret(secret.expose().as_bytes().into()));
            };
            let Ok(bytes) = BASE64_STANDARD.decode(encoded.trim()) else {
                reader.error(secret.span, "what follows `base64:` is not base64");
                return None;
            };
            return Some(SignatureKey::Secret(bytes.into()));
        }
        let path = spec.public_key.as_ref()?;
        let bytes = self.files.pem(path, reader)?;
        match String::from_utf8(bytes) {
            Ok(pem) if pem.contains(PUBLIC_KEY) => Some(SignatureKey::Public { pem: pem.into() }),
            _ => {
                let error = reader.error(path.span, "no public key in PEM");
                error.help("`openssl pkey -in key.pem -pubout` writes it");
                None
            }
        }
    }

    fn certificate(
        &mut self,
        written: &Spanned<String>,
        consumer: &Arc<Consumer>,
        reader: &mut Reader<'_>,
    ) {
        match certificate_match(written) {
            Ok(wanted) => {
                if self.is_new(format!("{wanted:?}"), written.span, "this certificate", reader) {
                    self.add(written, consumer, CredentialKind::Certificate(wanted));
                }
            }
            Err(problem) => {
                portunus_spec::check(written, reader, |_| Err(problem));
            }
        }
    }

    fn claim(
        &mut self,
        claim: &str,
        value: &Spanned<String>,
        issuer: Option<&Spanned<String>>,
        consumer: &Arc<Consumer>,
        reader: &mut Reader<'_>,
    ) {
        let text = format!("{claim}={}", value.value);
        let issuer: Option<Box<str>> = issuer.map(boxed);
        if self.is_new(format!("claim {issuer:?} {text}"), value.span, "this claim", reader) {
            let kind = CredentialKind::Claim { issuer, claim: claim.into(), value: boxed(value) };
            self.add(&text, consumer, kind);
        }
    }

    fn add(&mut self, id: &str, consumer: &Arc<Consumer>, kind: CredentialKind) {
        let consumer = Arc::clone(consumer);
        self.push(Credential { id: id.into(), consumer, kind, not_after: None });
    }

    /// Adds it to the consumer that is read now.
    fn push(&mut self, credential: Credential) {
        if let Some(known) = self.made.consumers.last_mut() {
            known.credentials.push(credential);
        }
    }

    /// Reports what two credentials are proved by: nobody could say which of them it is.
    fn is_new(&mut self, proof: String, span: Span, what: &str, reader: &mut Reader<'_>) -> bool {
        let first = *self.taken.entry(proof).or_insert(span);
        if first == span {
            return true;
        }
        let error = reader.error(span, format!("{what} is there twice"));
        error.related(first, "first here").help("keep one of them");
        false
    }
}

/// What a certificate must have, from its text.
fn certificate_match(text: &str) -> Result<CertificateMatch, Problem> {
    if let Some(hex) = text.strip_prefix("sha256:") {
        let hex = hex.replace(':', "").to_ascii_lowercase();
        return match hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(CertificateMatch::Fingerprint(hex.into())),
            false => Err(Problem::new("not the fingerprint of a certificate")
                .help("write sha256: and 64 hexadecimal digits")),
        };
    }
    if let Some(name) = text.strip_prefix("dns:") {
        return Ok(CertificateMatch::Dns(name.into()));
    }
    if text.contains("://") || text.starts_with("urn:") {
        return Ok(CertificateMatch::Uri(text.into()));
    }
    match text.contains('=') {
        true => Ok(CertificateMatch::Subject(text.into())),
        false => Err(Problem::new("nothing that a certificate is known by").help(
            "write a subject (CN=robot,O=Example), sha256:<fingerprint>, spiffe://... or dns:name",
        )),
    }
}

fn boxed(text: &Spanned<String>) -> Box<str> {
    text.as_str().into()
}

/// What stands before a secret in base64.
const BASE64_PREFIX: &str = "base64:";
/// How public keys in PEM begin, those of RSA alone too.
const PUBLIC_KEY: &str = "PUBLIC KEY-----";

#[cfg(test)]
mod tests;
