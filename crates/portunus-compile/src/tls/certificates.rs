//! Certificates with their keys: which ones each listener has.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_config::ConfigSpec;
use portunus_config::spec::{CertificateSpec, CertificatesSpec, ListenerSpec, PemSpec, TlsSpec};
use portunus_spec::{Named, Reader, Spanned};
use portunus_tls::{CertFacts, CertStore, CertTable, Certificate, host_matches, load_pair};

use super::Files;
use crate::secure::is_asked_for;

/// The certificates of a listener: where its handshakes look, and what belongs there.
#[derive(Clone, Debug)]
pub struct CertificateSource {
    /// The listener.
    pub listener: String,
    /// Where its handshakes look; the same over reloads.
    pub store: Arc<CertStore>,
    /// The certificates from files, in the order in which they are preferred.
    pub found: Vec<FoundCertificate>,
    /// A local authority makes certificates for names that have none.
    pub self_signed: bool,
}

/// A certificate with where it was found.
#[derive(Clone, Debug)]
pub struct FoundCertificate {
    /// The path of its file, or the name of its variable.
    pub origin: String,
    /// The certificate with its key.
    pub certificate: Certificate,
}

impl CertificateSource {
    /// What the store holds, with certificates that were issued meanwhile.
    #[must_use]
    pub fn table(&self, issued: &[Certificate]) -> CertTable {
        let mut table = CertTable::default();
        let found = self.found.iter().map(|found| &found.certificate);
        found.chain(issued).for_each(|certificate| table.add(certificate.clone()));
        table
    }

    /// Whether a certificate fits a host, or can be made for it.
    pub(crate) fn fits(&self, host: &str) -> bool {
        self.self_signed || self.found.iter().any(|found| fits(found.certificate.facts(), host))
    }
}

/// Whether a certificate is good for a host, or for all that the pattern of a host stands for.
fn fits(facts: &CertFacts, host: &str) -> bool {
    facts.names.iter().any(|name| **name == *host || host_matches(name, host))
}

/// Loads certificates, each pair once.
pub(crate) struct Certificates<'f, 'a> {
    files: &'f Files<'a>,
    loaded: HashMap<Pair, Option<FoundCertificate>>,
    now: Wall,
}

type Pair = (PemSpec, PemSpec, Option<String>);

impl<'f, 'a> Certificates<'f, 'a> {
    pub(crate) fn new(files: &'f Files<'a>) -> Self {
        Self { files, loaded: HashMap::new(), now: SystemClock.wall() }
    }

    /// Loads a list. What is wrong is reported at its place, once for each pair.
    pub(crate) fn load(
        &mut self,
        list: &[CertificateSpec],
        reader: &mut Reader<'_>,
    ) -> Vec<FoundCertificate> {
        let mut found = Vec::with_capacity(list.len());
        for (index, spec) in list.iter().enumerate() {
            found.extend(reader.index(index, |reader| self.pair(spec, reader)));
        }
        found
    }

    fn pair(
        &mut self,
        spec: &CertificateSpec,
        reader: &mut Reader<'_>,
    ) -> Option<FoundCertificate> {
        let ocsp = spec.ocsp.as_ref().map(|path| path.value.clone());
        let pair = (spec.cert.value.clone(), spec.key.value.clone(), ocsp);
        if let Some(known) = self.loaded.get(&pair) {
            return known.clone();
        }
        let found = self.read(spec, reader);
        self.loaded.insert(pair, found.clone());
        found
    }

    fn read(&self, spec: &CertificateSpec, reader: &mut Reader<'_>) -> Option<FoundCertificate> {
        let files = self.files;
        let cert = reader.key("cert", |reader| files.pem(&spec.cert, reader));
        let key = reader.key("key", |reader| files.pem(&spec.key, reader));
        let ocsp = match &spec.ocsp {
            Some(path) => Some(reader.key("ocsp", |reader| files.file(path, reader))?),
            None => None,
        };
        files.check_key(&spec.key, reader);
        match load_pair(&cert?, &key?, ocsp) {
            Ok(certificate) => {
                self.check_life(certificate.facts(), &spec.cert, reader);
                Some(FoundCertificate { origin: origin(&spec.cert), certificate })
            }
            Err(error) => {
                let report = reader.error(spec.cert.span, error.message);
                report.related(spec.key.span, "with this key").help_if(error.help);
                None
            }
        }
    }

    /// Warns of a certificate that no client will take.
    fn check_life(&self, facts: &CertFacts, cert: &Spanned<PemSpec>, reader: &mut Reader<'_>) {
        let names = facts.names.join(", ");
        if facts.not_after <= self.now {
            let message = format!("the certificate for {names} has expired");
            reader.warning(cert.span, message).help("renew it: clients refuse it");
        } else if facts.not_before > self.now {
            let message = format!("the certificate for {names} is not valid yet");
            reader.warning(cert.span, message).help("check the clock of this machine");
        }
    }
}

/// Where a certificate stands, for people.
fn origin(pem: &PemSpec) -> String {
    match pem {
        PemSpec::File(path) => path.clone(),
        PemSpec::Env(name) => format!("${name}"),
    }
}

/// Which certificates a listener has: its own or those of the top level, and then those of hosts.
pub(crate) struct Lists {
    defaults: Vec<FoundCertificate>,
    of_hosts: Vec<FoundCertificate>,
}

impl Lists {
    pub(crate) fn read(
        config: &ConfigSpec,
        certificates: &mut Certificates<'_, '_>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let defaults = match &config.tls {
            Some(tls) => reader.key("tls", |reader| listed(tls, certificates, reader)),
            None => Vec::new(),
        };
        let mut of_hosts = Vec::new();
        reader.key("hosts", |reader| {
            for (name, host) in &config.hosts {
                let Some(tls) = &host.tls else { continue };
                let load = |reader: &mut Reader<'_>| certificates.load(&tls.certificates, reader);
                of_hosts.extend(reader.key(name, |reader| reader.key("tls.certificates", load)));
            }
        });
        Self { defaults, of_hosts }
    }

    /// The certificates of a listener.
    pub(crate) fn of(
        &self,
        own: &TlsSpec,
        certificates: &mut Certificates<'_, '_>,
        reader: &mut Reader<'_>,
    ) -> Vec<FoundCertificate> {
        let mut found = match &own.certificates {
            Some(_) => listed(own, certificates, reader),
            None => self.defaults.clone(),
        };
        found.extend(self.of_hosts.iter().cloned());
        found
    }
}

fn listed(
    tls: &TlsSpec,
    certificates: &mut Certificates<'_, '_>,
    reader: &mut Reader<'_>,
) -> Vec<FoundCertificate> {
    match tls.certificates.as_ref().map(|certificates| &certificates.value) {
        Some(CertificatesSpec::Listed(list)) => {
            reader.key("certificates", |reader| certificates.load(list, reader))
        }
        Some(CertificatesSpec::SelfSigned) | None => Vec::new(),
    }
}

/// Warns of hosts that a listener serves over TLS without a certificate for them.
pub(crate) fn check_hosts(
    config: &ConfigSpec,
    listeners: &Named<ListenerSpec>,
    sources: &[CertificateSource],
    reader: &mut Reader<'_>,
) {
    let asked_for = |host: &str| {
        config
            .acme
            .as_ref()
            .is_some_and(|acme| acme.on_demand.is_some() || is_asked_for(host, acme))
    };
    let source = |name: &str| sources.iter().find(|source| source.listener == name);
    for (name, host) in &config.hosts {
        let named = |listener: &str| host.listeners.iter().any(|own| own.value == listener);
        let without = listeners.iter().find(|(listener, spec)| {
            spec.serves_https()
                && (host.listeners.is_empty() || named(listener))
                && source(listener).is_some_and(|source| !source.fits(name))
        });
        let Some((listener, _)) = without else { continue };
        if name.value == "*" || asked_for(name) {
            continue;
        }
        reader.key(&format!("hosts.{}", name.value), |reader| {
            let message = format!("no certificate of `{}` is for {}", listener.value, name.value);
            reader.warning(name.span, message).help(WITHOUT_HELP);
        });
    }
}

const WITHOUT_HELP: &str =
    "add one under `tls`, `acme` at the top level, or name the `listeners` of the host";
