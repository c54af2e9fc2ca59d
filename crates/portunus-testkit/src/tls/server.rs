//! The TLS of an origin.

use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{ALL_VERSIONS, RootCertStore, ServerConfig};

use super::client::provider;
use super::{Authority, Identity};

/// How an origin ends TLS.
#[derive(Clone, Debug)]
pub struct TlsServer {
    identity: Identity,
    client_roots: Option<Arc<RootCertStore>>,
}

impl TlsServer {
    /// With this certificate, TLS 1.2 and 1.3.
    #[must_use]
    pub fn new(identity: &Identity) -> Self {
        Self { identity: identity.clone(), client_roots: None }
    }

    /// Demands a certificate by this authority of its clients.
    #[must_use]
    pub fn require_client(mut self, authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).expect("an authority's certificate");
        self.client_roots = Some(Arc::new(roots));
        self
    }

    pub(crate) fn config(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(ALL_VERSIONS).expect("versions");
        let builder = match &self.client_roots {
            None => builder.with_no_client_auth(),
            Some(roots) => {
                let roots = Arc::clone(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let pair = builder.with_single_cert(self.identity.chain(), self.identity.key());
        let mut config = pair.expect("a certificate that fits its key");
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}
