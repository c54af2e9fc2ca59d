//! Whom we trust: the authorities of a text, or those of the system.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::FetchError;

/// Connects with TLS. The system's authorities are read at the first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    roots: Option<Arc<RootCertStore>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Trusts the authorities of a PEM text, and no others.
    pub(crate) fn of(pem: &[u8]) -> Result<Self, FetchError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate
                .map_err(|error| error.to_string())
                .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
            added.map_err(FetchError::new)?;
        }
        if roots.is_empty() {
            return Err(FetchError::new("there is no certificate in it"));
        }
        Ok(Self { roots: Some(Arc::new(roots)), config: Arc::default() })
    }

    pub(crate) fn connector(&self) -> Result<TlsConnector, FetchError> {
        if let Some(config) = self.config.get() {
            return Ok(TlsConnector::from(Arc::clone(config)));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError::new(error.to_string()))?
            .with_root_certificates(self.roots.clone().unwrap_or_else(system_roots))
            .with_no_client_auth();
        let config = Arc::clone(self.config.get_or_init(|| Arc::new(config)));
        Ok(TlsConnector::from(config))
    }
}

fn system_roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are not trusted: the handshake then says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
}
