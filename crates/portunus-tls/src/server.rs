//! TLS of a listener.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use portunus_base::{ClientCertificate, TlsFacts};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::certificate::Names;
use crate::store::Resolver;
use crate::ticket::BoundTickets;
use crate::{ACME_ALPN, CertStore, Challenges, TicketKeys, TlsConfigError, crypto, pem};

/// The lowest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MinVersion {
    /// TLS 1.2.
    #[default]
    V12,
    /// TLS 1.3.
    V13,
}

impl MinVersion {
    pub(crate) fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static FROM_V12: [&SupportedProtocolVersion; 2] =
            [&rustls::version::TLS13, &rustls::version::TLS12];
        static FROM_V13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
        match self {
            Self::V12 => &FROM_V12,
            Self::V13 => &FROM_V13,
        }
    }
}

/// Whether clients must show a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientAuthMode {
    /// They may; one that they show must be good.
    Optional,
    /// They must.
    Require,
}

/// Certificates of clients.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    /// Whether one is needed.
    pub mode: ClientAuthMode,
    /// The authorities that they must come from, in PEM.
    pub ca_pem: Vec<u8>,
    /// Lists of revoked ones, in PEM.
    pub crl_pems: Vec<Vec<u8>>,
}

/// What a listener's TLS is made of, beside its certificates.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// The lowest version.
    pub min_version: MinVersion,
    /// Certificates of clients; None where they are not asked for.
    pub client_auth: Option<ClientAuth>,
    /// The protocols that may be agreed on, the best first: `h2`, `http/1.1`.
    pub alpn: Vec<Vec<u8>>,
}

/// TLS of a listener: immutable, but for the certificates and keys that it shares.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    store: Arc<CertStore>,
    asks_clients: bool,
    challenges: Option<Challenged>,
}

/// How challenges of ACME's tls-alpn-01 are answered.
#[derive(Debug)]
struct Challenged {
    answers: Arc<Challenges>,
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// TLS with these settings. `challenges` answers ACME's tls-alpn-01.
    ///
    /// # Errors
    /// The authorities or lists of client certificates cannot be used.
    pub fn new(
        options: &ServerOptions,
        store: Arc<CertStore>,
        tickets: Arc<TicketKeys>,
        challenges: Option<Arc<Challenges>>,
    ) -> Result<Self, TlsConfigError> {
        let provider = Arc::new(crypto::provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(options.min_version.versions())
            .map_err(|error| TlsConfigError::plain(error.to_string()))?;
        let builder = match &options.client_auth {
            None => builder.with_no_client_auth(),
            Some(auth) => builder.with_client_cert_verifier(verifier(auth, &provider)?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(Resolver::Store(Arc::clone(&store))));
        config.alpn_protocols.clone_from(&options.alpn);
        config.ignore_client_order = true;
        config.ticketer = Arc::new(BoundTickets::new(tickets, context_of(options)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let challenges =
            challenges.map(|answers| Challenged::new(answers, provider)).transpose()?;
        let asks_clients = options.client_auth.is_some();
        Ok(Self { config: Arc::new(config), store, asks_clients, challenges })
    }

    /// True when clients are asked for a certificate.
    #[must_use]
    pub fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    /// The certificates.
    #[must_use]
    pub fn store(&self) -> &Arc<CertStore> {
        &self.store
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The settings for an authority that checks an answer, while one is up.
    pub(crate) fn challenge_config(&self) -> Option<Arc<ServerConfig>> {
        let challenged = self.challenges.as_ref()?;
        (!challenged.answers.is_empty()).then(|| Arc::clone(&challenged.config))
    }

    /// True when the client's certificate has ended since the session began that is resumed now.
    pub(crate) fn is_over(&self, facts: &TlsFacts) -> bool {
        let now = || self.config.time_provider.current_time().map_or(0, |now| now.as_secs());
        let ended = |client: &ClientCertificate| {
            u64::try_from(client.not_after_s).is_ok_and(|not_after| not_after < now())
        };
        facts.resumed && facts.client.as_ref().is_some_and(ended)
    }

    /// The names that the certificate for `name` is good for.
    #[must_use]
    pub fn names_for(&self, name: Option<&str>) -> Names {
        self.store.names_for(name)
    }
}

impl Challenged {
    fn new(
        answers: Arc<Challenges>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsConfigError> {
        let resolver = Arc::new(Resolver::Challenges(Arc::clone(&answers)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(MinVersion::V12.versions())
            .map_err(|error| TlsConfigError::plain(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![ACME_ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { answers, config: Arc::new(config) })
    }
}

fn verifier(
    auth: &ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
    let mut crls = Vec::new();
    for list in &auth.crl_pems {
        crls.extend(pem::revocation_lists(list)?);
    }
    let roots = Arc::new(roots(&auth.ca_pem)?);
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    if !crls.is_empty() {
        // A list says nothing of certificates between it and the root.
        builder = builder.with_crls(crls).only_check_end_entity_revocation();
        builder = builder.allow_unknown_revocation_status();
    }
    if auth.mode == ClientAuthMode::Optional {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| TlsConfigError::plain(format!("client_auth: {error}")))
}

/// The authorities of a bundle.
pub(crate) fn roots(ca_pem: &[u8]) -> Result<RootCertStore, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem::certificates(ca_pem)? {
        roots.add(certificate).map_err(|error| {
            TlsConfigError::plain(format!("an authority's certificate cannot be used: {error}"))
        })?;
    }
    Ok(roots)
}

/// What a ticket is good for: one of a listener that lets everybody in must not open one that asks for certificates.
fn context_of(options: &ServerOptions) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"portunus ticket");
    if let Some(auth) = &options.client_auth {
        context.update(&[1 + u8::from(auth.mode == ClientAuthMode::Require)]);
        context.update(&auth.ca_pem);
        auth.crl_pems.iter().for_each(|list| context.update(list));
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}
