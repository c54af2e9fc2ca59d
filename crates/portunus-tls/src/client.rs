//! TLS to an upstream.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup, RootCertStore};

use crate::server::roots;
use crate::verify::Anybody;
use crate::{MinVersion, TlsConfigError, TlsError, crypto, pem};

/// What an upstream's TLS is made of.
#[derive(Clone, Default)]
pub struct ClientOptions {
    /// The authorities that its certificate must come from, in PEM; those of the system without it.
    pub ca_pem: Option<Vec<u8>>,
    /// The name that its certificate must have; the endpoint's host without it.
    pub server_name: Option<String>,
    /// Certificate and key that we show, in PEM.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    /// The lowest version.
    pub min_version: MinVersion,
    /// The protocols that may be agreed on, the best first.
    pub alpn: Vec<Vec<u8>>,
}

/// TLS to the endpoints of an upstream.
#[derive(Debug)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl ClientTls {
    /// TLS with these settings.
    ///
    /// # Errors
    /// Certificates or keys cannot be used, or the name is none.
    pub fn new(options: &ClientOptions) -> Result<Self, TlsConfigError> {
        let provider = Arc::new(crypto::provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(options.min_version.versions())
            .map_err(|error| TlsConfigError::plain(error.to_string()))?;
        let builder = if options.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(algorithms)))
        } else {
            builder.with_root_certificates(trusted(options)?)
        };
        let mut config = match &options.client {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => builder
                .with_client_auth_cert(pem::certificates(cert)?, pem::private_key(key)?)
                .map_err(|error| {
                    let help = "the certificate must come first, and belong to the key";
                    TlsConfigError::new(format!("the client certificate is no use: {error}"), help)
                })?,
        };
        config.alpn_protocols.clone_from(&options.alpn);
        config.resumption = Resumption::store(Arc::new(PerThread::new()));
        let server_name = options.server_name.as_deref().map(server_name).transpose()?;
        Ok(Self { config: Arc::new(config), server_name })
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The protocols that may be agreed on.
    pub(crate) fn alpn(&self) -> &[Vec<u8>] {
        &self.config.alpn_protocols
    }

    pub(crate) fn name_for(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => server_name(host)
                .map_err(|error| TlsError::Tls(rustls::Error::General(error.message))),
        }
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsConfigError> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(bare.to_owned()).map_err(|_| {
        let message = format!("`{name}` is no name that a certificate can have");
        TlsConfigError::new(message, "write a DNS name or an IP address")
    })
}

fn trusted(options: &ClientOptions) -> Result<RootCertStore, TlsConfigError> {
    if let Some(ca) = &options.ca_pem {
        return roots(ca);
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let help = "install the package ca-certificates, or name the upstream's authority: tls: {ca: ca.pem}";
        return Err(TlsConfigError::new("this system has no trusted authorities", help));
    }
    Ok(roots)
}

/// Sessions to be resumed, kept by each thread for itself: workers share no lock.
struct PerThread {
    id: u64,
}

#[derive(Default)]
struct Kept {
    hint: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

type Sessions = HashMap<(u64, ServerName<'static>), Kept>;

thread_local! {
    static SESSIONS: RefCell<Sessions> = RefCell::default();
}

impl PerThread {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    fn with<R>(&self, name: &ServerName<'_>, work: impl FnOnce(&mut Kept) -> R) -> R {
        SESSIONS.with_borrow_mut(|sessions| {
            let key = (self.id, name.to_owned());
            // Sessions only save time: when they are too many, all are made anew.
            if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(&key) {
                sessions.clear();
            }
            work(sessions.entry(key).or_default())
        })
    }
}

impl ClientSessionStore for PerThread {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.with(&name, |kept| kept.hint = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.with(name, |kept| kept.hint)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.with(&name, |kept| kept.tls12 = Some(value));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.with(name, |kept| kept.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.with(name, |kept| kept.tls12 = None);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.with(&name, |kept| {
            if kept.tls13.len() >= TICKETS_MAX {
                kept.tls13.pop_front();
            }
            kept.tls13.push_back(value);
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.with(name, |kept| kept.tls13.pop_back())
    }
}

/// Without the client's key.
impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("server_name", &self.server_name)
            .field("shows_certificate", &self.client.is_some())
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .field("min_version", &self.min_version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PerThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PerThread({})", self.id)
    }
}

/// Names that a thread keeps sessions for.
const SESSIONS_MAX: usize = 1024;
/// Tickets of a name.
const TICKETS_MAX: usize = 8;
