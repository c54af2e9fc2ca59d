//! `mtls`: identities by the certificate that a client proved to have.

mod pattern;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_base::{ClientCertificate, Wall};
use portunus_exchange::{Exchange, Phase, PhaseSet};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_http::HeaderId;
use portunus_identity::Identity;
use portunus_spec::{Reader, Spanned, spec};
use serde_json::{Map, Value};

use crate::gate::{Gate, REASONS, Refusal};
use pattern::Pattern;

spec! {
    /// Asks for a TLS certificate of the client.
    ///
    /// The listener must ask for certificates too (`tls: {client_auth: ...}`), and checks who issued them. A
    /// certificate of a consumer makes the request one of that consumer.
    pub struct MtlsSpec {
        short = require;
        /// What a certificate must have: one text of each kind that is written. `*` stands for any text.
        require: Option<RequireSpec>,
        /// Whether only certificates of consumers are let through.
        consumers_only: bool = false,
        /// Whether the certificate is the one that a trusted proxy tells in `Client-Cert`, not the proxy's own.
        trusted_header: bool = false,
        /// Whether a request without a certificate goes on, without an identity.
        optional: bool = false,
    }
}

spec! {
    /// What a certificate must have.
    pub struct RequireSpec {
        /// Its subject, such as `CN=robot,O=Example`.
        subject: Vec<Spanned<String>> = Vec::new(),
        /// Its issuer, in the same form.
        issuer: Vec<Spanned<String>> = Vec::new(),
        /// One of its DNS names; `*` stands for one label or a part of it.
        dns: Vec<Spanned<String>> = Vec::new(),
        /// One of its URIs, such as `spiffe://example.org/ns/prod/*`.
        uri: Vec<Spanned<String>> = Vec::new(),
        /// Its SHA-256 fingerprint in hexadecimal digits, with or without colons.
        fingerprint: Vec<Spanned<String>> = Vec::new(),
    }
}

impl Buildable for MtlsSpec {
    const NAME: &'static str = "mtls";
    const DOC: &'static str = "Asks for a TLS certificate of the client.";
    const REASONS: &'static [FilterReason] = REASONS;

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let rules = match &self.require {
            Some(require) => Rules::build(require, cx.reader)?,
            None => Rules::default(),
        };
        let lacks = "The request has no certificate of a client.";
        let gate = Gate::build("ClientCertificate".to_owned(), lacks, self.optional, cx);
        let Self { consumers_only, trusted_header, .. } = self;
        Some(Arc::new(Mtls { rules, consumers_only, trusted_header, gate }))
    }
}

struct Mtls {
    rules: Rules,
    consumers_only: bool,
    trusted_header: bool,
    gate: Gate,
}

/// What a certificate must have: one of each list that is not empty.
#[derive(Debug, Default)]
struct Rules {
    subject: Vec<Pattern>,
    issuer: Vec<Pattern>,
    dns: Vec<Pattern>,
    uri: Vec<Pattern>,
    fingerprint: Vec<Box<str>>,
}

impl Filter for Mtls {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let found = self.certificate(exchange).and_then(|it| self.identity(&it, cx));
        match found {
            Ok(identity) => self.gate.pass(exchange, identity, cx),
            Err(refusal) => self.gate.refuse(refusal, cx),
        }
    }
}

impl Mtls {
    fn certificate<'e>(
        &self,
        exchange: &'e Exchange,
    ) -> Result<Cow<'e, ClientCertificate>, Refusal> {
        if !(self.trusted_header && exchange.client.trusted) {
            return exchange.client_certificate().map(Cow::Borrowed).ok_or(Refusal::Missing);
        }
        let mut told = exchange.request.headers.values_of(HeaderId::ClientCert);
        let value = told.next().ok_or(Refusal::Missing)?;
        if told.next().is_some() {
            return Err(Refusal::Invalid("`Client-Cert` stands twice."));
        }
        read_header(value).map(Cow::Owned).ok_or(Refusal::Invalid("`Client-Cert` is malformed."))
    }

    fn identity(
        &self,
        certificate: &ClientCertificate,
        cx: &FilterCx<'_>,
    ) -> Result<Identity, Refusal> {
        let end = Wall(u64::try_from(certificate.not_after_s).unwrap_or(0) * 1_000_000);
        if end < cx.wall {
            return Err(Refusal::Expired("The certificate has expired."));
        }
        if !self.rules.fit(certificate) {
            return Err(Refusal::Invalid("The certificate is not one of those that are let in."));
        }
        let consumers = cx.directory.load();
        let known = consumers.certificate(certificate);
        if known.is_some_and(|credential| credential.is_expired(cx.wall)) {
            return Err(Refusal::Expired("The certificate's time as a credential is over."));
        }
        let subject = name_of(certificate);
        let identity = match known {
            Some(credential) => Identity::of_credential(MtlsSpec::NAME, credential, subject),
            None if self.consumers_only => {
                return Err(Refusal::Invalid("The certificate is not one of a consumer."));
            }
            None => Identity {
                method: MtlsSpec::NAME,
                subject: subject.into(),
                credential: certificate.fingerprint_sha256.clone(),
                ..Identity::default()
            },
        };
        let expires = identity.expires.unwrap_or(end).min(end);
        Ok(Identity { claims: claims(certificate), expires: Some(expires), ..identity })
    }
}

impl Rules {
    fn build(spec: &RequireSpec, reader: &mut Reader<'_>) -> Option<Self> {
        let texts = |list: &[Spanned<String>], stops: &'static [u8]| {
            list.iter().map(|text| Pattern::new(text, stops)).collect()
        };
        let mut rules = Self {
            subject: texts(&spec.subject, b""),
            issuer: texts(&spec.issuer, b""),
            dns: spec
                .dns
                .iter()
                .map(|name| Pattern::new(&name.to_ascii_lowercase(), b"."))
                .collect(),
            uri: texts(&spec.uri, b""),
            fingerprint: Vec::new(),
        };
        for written in &spec.fingerprint {
            let hex = written.replace(':', "").to_ascii_lowercase();
            if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                let error = reader.error(written.span, "this is no SHA-256 fingerprint");
                error.help("openssl x509 -in cert.pem -noout -fingerprint -sha256 tells it");
                return None;
            }
            rules.fingerprint.push(hex.into());
        }
        Some(rules)
    }

    fn fit(&self, certificate: &ClientCertificate) -> bool {
        let one = |patterns: &[Pattern], text: &str| patterns.iter().any(|it| it.fits(text));
        let is_dns = |name: &str| one(&self.dns, &name.to_ascii_lowercase());
        (self.subject.is_empty() || one(&self.subject, &certificate.subject))
            && (self.issuer.is_empty() || one(&self.issuer, &certificate.issuer))
            && (self.dns.is_empty() || certificate.dns_names.iter().any(|name| is_dns(name)))
            && (self.uri.is_empty() || certificate.uris.iter().any(|uri| one(&self.uri, uri)))
            && (self.fingerprint.is_empty()
                || self.fingerprint.contains(&certificate.fingerprint_sha256))
    }
}

/// The value of `Client-Cert`: DER in base64 between colons (RFC 9440 section 2.1).
fn read_header(value: &[u8]) -> Option<ClientCertificate> {
    let text = value.trim_ascii().strip_prefix(b":")?.strip_suffix(b":")?;
    portunus_tls::read_certificate(&STANDARD.decode(text).ok()?)
}

/// The subject; certificates of SPIFFE have none, and are called by their URI.
fn name_of(certificate: &ClientCertificate) -> &str {
    let names = [&certificate.uris, &certificate.dns_names, &certificate.emails];
    let other = || names.iter().find_map(|names| names.first());
    match &*certificate.subject {
        "" => other().map_or(&*certificate.fingerprint_sha256, |name| name),
        subject => subject,
    }
}

/// What else the certificate says, for templates and expressions.
fn claims(certificate: &ClientCertificate) -> Map<String, Value> {
    let list =
        |names: &[Box<str>]| names.iter().map(|name| Value::from(&**name)).collect::<Value>();
    let text = |text: &str| Value::from(text);
    let all = [
        ("subject", text(&certificate.subject)),
        ("issuer", text(&certificate.issuer)),
        ("serial", text(&certificate.serial)),
        ("fingerprint", text(&certificate.fingerprint_sha256)),
        ("dns", list(&certificate.dns_names)),
        ("uri", list(&certificate.uris)),
        ("email", list(&certificate.emails)),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
