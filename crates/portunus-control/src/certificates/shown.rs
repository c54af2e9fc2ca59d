//! The stores of the running configuration with what belongs into them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portunus_acme::Issued;
use portunus_base::Wall;
use portunus_compile::{CertificateSource, FoundCertificate};
use portunus_telemetry::metrics::CertificateTotals;
use portunus_tls::{CertFacts, Certificate, load_pair};

use crate::World;

/// What is served now. Written by control, read by the admin API.
pub(crate) struct Shown {
    world: Arc<World>,
    sources: ArcSwap<Vec<CertificateSource>>,
    issued: ArcSwap<Vec<FoundCertificate>>,
}

/// One certificate of one listener.
#[derive(Clone, Debug)]
pub(crate) struct ShownCertificate {
    pub(crate) listener: String,
    /// Where it comes from: a file, a directory of ACME, the local authority.
    pub(crate) origin: String,
    /// `None` for the local authority, which makes certificates when they are asked for.
    pub(crate) facts: Option<CertFacts>,
}

impl Shown {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world, sources: ArcSwap::default(), issued: ArcSwap::default() }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Serves the certificates of another configuration.
    pub(super) fn serve(&self, sources: Vec<CertificateSource>) {
        self.sources.store(Arc::new(sources));
        self.fill();
    }

    /// Serves other certificates by ACME: when this returns, handshakes find them.
    pub(super) fn issued(&self, all: &[Arc<Issued>]) {
        let load = |issued: &Arc<Issued>| {
            let pair = load_pair(issued.chain_pem().as_bytes(), issued.key_pem().as_bytes(), None);
            match pair {
                Ok(certificate) => {
                    let origin = format!("acme {}", issued.directory());
                    Some(FoundCertificate { origin, certificate })
                }
                Err(error) => {
                    tracing::error!(names = %issued.names(), %error, "an issued certificate is no use");
                    None
                }
            }
        };
        self.issued.store(Arc::new(all.iter().filter_map(load).collect()));
        self.fill();
    }

    /// All certificates, by listener.
    pub(crate) fn all(&self) -> Vec<ShownCertificate> {
        ShownCertificate::all(&self.sources.load(), &self.issued.load())
    }

    fn fill(&self) {
        let issued: Vec<Certificate> =
            self.issued.load().iter().map(|issued| issued.certificate.clone()).collect();
        for source in self.sources.load().iter() {
            source.store.replace(source.table(&issued));
        }
        self.world.metrics.show_certificates(self.totals());
    }

    /// When certificates end, by the first of their names: of several for a name, the first end counts.
    fn totals(&self) -> Vec<CertificateTotals> {
        let mut ends: BTreeMap<Box<str>, Wall> = BTreeMap::new();
        for facts in self.all().into_iter().filter_map(|shown| shown.facts) {
            let name = facts.names.first().cloned().unwrap_or_default();
            let end = ends.entry(name).or_insert(facts.not_after);
            *end = (*end).min(facts.not_after);
        }
        ends.into_iter().map(|(name, not_after)| CertificateTotals { name, not_after }).collect()
    }
}

impl ShownCertificate {
    /// The certificates of all listeners: those that each has, and those that were issued for all of them.
    pub(crate) fn all(sources: &[CertificateSource], issued: &[FoundCertificate]) -> Vec<Self> {
        let mut all = Vec::new();
        for source in sources {
            let shown = |origin: &str, facts: Option<&CertFacts>| Self {
                listener: source.listener.clone(),
                origin: origin.to_owned(),
                facts: facts.cloned(),
            };
            let found = source.found.iter().chain(issued);
            all.extend(found.map(|one| shown(&one.origin, Some(one.certificate.facts()))));
            all.extend(source.self_signed.then(|| shown("local authority", None)));
        }
        all
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
