//! Certificates by name.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;

use crate::certificate::Names;
use crate::{Certificate, Challenges, KeyKind, LocalCa};

/// Which certificate is served for which name. Readers never wait; control replaces the table as a whole.
pub struct CertStore {
    table: ArcSwap<CertTable>,
    /// Makes certificates for names that have none.
    local_ca: Option<LocalIssuer>,
}

/// Certificates that the local CA has made, by name.
struct LocalIssuer {
    ca: Arc<LocalCa>,
    made: ArcSwap<HashMap<Box<str>, Certificate>>,
}

/// Certificates by name. Those added first come first.
#[derive(Clone, Default)]
pub struct CertTable {
    exact: HashMap<Box<str>, Vec<Certificate>>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, Vec<Certificate>>,
    all: Vec<Certificate>,
}

impl CertStore {
    /// A store with these certificates.
    #[must_use]
    pub fn new(table: CertTable) -> Self {
        Self { table: ArcSwap::from_pointee(table), local_ca: None }
    }

    /// A store whose missing certificates a local CA makes.
    #[must_use]
    pub fn self_signed(ca: Arc<LocalCa>) -> Self {
        let local_ca = Some(LocalIssuer { ca, made: ArcSwap::default() });
        Self { table: ArcSwap::default(), local_ca }
    }

    /// Serves other certificates from the next handshake on. Connections that are up are not touched.
    pub fn replace(&self, table: CertTable) {
        self.table.store(Arc::new(table));
    }

    /// What is served now.
    #[must_use]
    pub fn table(&self) -> Arc<CertTable> {
        self.table.load_full()
    }

    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Certificate> {
        if let Some(found) = self.table.load().choose(name, schemes) {
            return Some(found.clone());
        }
        self.local_ca.as_ref()?.certificate(name.unwrap_or(LOCAL_NAME))
    }

    /// The names that the certificate for `name` is good for.
    pub(crate) fn names_for(&self, name: Option<&str>) -> Names {
        let table = self.table.load();
        if let Some(first) = table.fitting(name).first() {
            return Arc::clone(first.names());
        }
        let made = self.local_ca.as_ref().and_then(|ca| ca.certificate(name.unwrap_or(LOCAL_NAME)));
        made.map_or_else(Names::default, |made| made.names().clone())
    }
}

impl LocalIssuer {
    fn certificate(&self, name: &str) -> Option<Certificate> {
        if let Some(known) = self.made.load().get(name) {
            return Some(known.clone());
        }
        let mut names = vec![name.to_owned()];
        names.extend(LOCAL_NAMES.iter().filter(|local| **local != name).map(|&l| l.to_owned()));
        let certificate = self.ca.issue(&names).ok()?;
        // Two workers may make one at once; either is good.
        self.made.rcu(|made| {
            if made.len() >= LOCAL_MAX {
                return Arc::clone(made);
            }
            let mut made = HashMap::clone(made);
            made.insert(name.into(), certificate.clone());
            Arc::new(made)
        });
        Some(certificate)
    }
}

impl CertTable {
    /// Adds a certificate under each of its names; the first one of all is served where no name fits or none is
    /// given.
    pub fn add(&mut self, certificate: Certificate) {
        for name in &certificate.facts().names {
            let (names, key) = match name.strip_prefix("*.") {
                Some(parent) => (&mut self.wildcard, parent),
                None => (&mut self.exact, &**name),
            };
            names.entry(key.into()).or_default().push(certificate.clone());
        }
        self.all.push(certificate);
    }

    /// All certificates, in the order in which they were added.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.all
    }

    /// Whether some certificate is good for the name.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    fn named(&self, name: &str) -> Option<&[Certificate]> {
        let parent = || self.wildcard.get(name.split_once('.')?.1);
        self.exact.get(name).or_else(parent).map(Vec::as_slice)
    }

    /// The certificates for a name; the default ones where none fits.
    fn fitting(&self, name: Option<&str>) -> &[Certificate] {
        let named = name.and_then(|name| self.named(name));
        named.unwrap_or_else(|| self.all.get(..1).unwrap_or(&[]))
    }

    /// The best certificate for a name of those that the client can check.
    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<&Certificate> {
        let usable =
            |certificate: &&Certificate| certificate.key.key.choose_scheme(schemes).is_some();
        if let Some(named) = name.and_then(|name| self.named(name)) {
            return named.iter().filter(usable).min_by_key(cost);
        }
        // The default may be of another kind than the client's.
        let default = self.all.first()?;
        Some(default).filter(usable).or_else(|| self.all.iter().find(usable))
    }
}

/// What it costs us to sign: RSA takes ten times as long as ECDSA.
fn cost(certificate: &&Certificate) -> bool {
    certificate.facts().key == KeyKind::Rsa
}

/// Whether a name of a certificate covers a host, a wildcard one label of it (RFC 6125 section 6.4.3).
#[must_use]
pub fn host_matches(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent))
        }
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// What a rustls server asks.
#[derive(Debug)]
pub(crate) enum Resolver {
    /// For clients.
    Store(Arc<CertStore>),
    /// For an authority that checks an answer to its challenge.
    Challenges(Arc<Challenges>),
}

/// What a client asked for, and what it was served.
#[derive(Debug)]
pub(crate) struct Served {
    /// The name, in lower case.
    pub(crate) name: Option<Box<str>>,
    /// The names of the certificate.
    pub(crate) names: Names,
}

thread_local! {
    /// Of the last handshake of this thread: an unbuffered connection tells neither.
    static SERVED: Cell<Option<Served>> = const { Cell::new(None) };
}

/// What was served in the step of a handshake that has just been done; None in all steps but one.
pub(crate) fn take_served() -> Option<Served> {
    SERVED.take()
}

impl rustls::server::ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A name with a dot at its end is against the rules (RFC 6066 section 3), but means the same.
        let bare = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let name = hello.server_name().map(|name| bare(name).into_boxed_str());
        let certificate = match self {
            Self::Store(store) => store.choose(name.as_deref(), hello.signature_schemes())?,
            Self::Challenges(challenges) => challenges.answer(name.as_deref()?)?,
        };
        SERVED.set(Some(Served { name, names: certificate.names().clone() }));
        Some(certificate.key)
    }
}

impl fmt::Debug for CertStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.load();
        f.debug_struct("CertStore").field("certificates", &table.all).finish_non_exhaustive()
    }
}

impl fmt::Debug for CertTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.all).finish()
    }
}

/// The name that the local CA certifies to those who ask for none.
const LOCAL_NAME: &str = "localhost";
/// Names that every certificate of the local CA is good for.
const LOCAL_NAMES: [&str; 3] = [LOCAL_NAME, "127.0.0.1", "::1"];
/// The most names that the local CA's certificates are kept for.
const LOCAL_MAX: usize = 1000;
