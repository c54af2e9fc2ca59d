//! Whom we trust when a store speaks TLS.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::StoreError;

/// TLS that trusts the authorities of a PEM text; those of the system without one.
pub(crate) fn client_config(roots_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, StoreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StoreError::of)?
        .with_root_certificates(roots(roots_pem)?)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn roots(pem: Option<&[u8]>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = pem else {
        // Those that cannot be read are not trusted: the handshake then says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| StoreError::new(format!("{error:?}")))?;
        roots.add(certificate).map_err(StoreError::of)?;
    }
    match roots.is_empty() {
        true => Err(StoreError::new("there is no certificate among the authorities to trust")),
        false => Ok(roots),
    }
}
