//! Whom we trust: the authorities of a text, or those of the system.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::FetchError;

/// The settings of TLS that trusts the authorities of a PEM text; those of the system without one.
///
/// # Errors
/// The text holds no certificate, or one that cannot be read.
pub fn client_config(roots_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, FetchError> {
    config_of(roots(roots_pem)?)
}

/// The authorities of a PEM text; those of the system without one.
///
/// # Errors
/// As for [`client_config`].
pub fn roots(pem: Option<&[u8]>) -> Result<Arc<RootCertStore>, FetchError> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = pem else {
        // Those that cannot be read are not trusted: the handshake then says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(Arc::new(roots));
    };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(FetchError::new)?;
    }
    if roots.is_empty() {
        return Err(FetchError::new("there is no certificate in it"));
    }
    Ok(Arc::new(roots))
}

fn config_of(roots: Arc<RootCertStore>) -> Result<Arc<ClientConfig>, FetchError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::new(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Connects with TLS. The system's authorities are read at the first use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    roots: Option<Arc<RootCertStore>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Trusts the authorities of a PEM text, and no others.
    pub(crate) fn of(pem: &[u8]) -> Result<Self, FetchError> {
        Ok(Self { roots: Some(roots(Some(pem))?), config: Arc::default() })
    }

    pub(crate) fn connector(&self) -> Result<TlsConnector, FetchError> {
        if let Some(config) = self.config.get() {
            return Ok(TlsConnector::from(Arc::clone(config)));
        }
        let trusted = self.roots.clone().map_or_else(|| roots(None), Ok)?;
        let config = config_of(trusted)?;
        let config = Arc::clone(self.config.get_or_init(|| config));
        Ok(TlsConnector::from(config))
    }
}
