//! Reading PEM, with errors that say what was found instead.

use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::TlsConfigError;

/// All certificates of a file, in their order.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| broken(&error))?;
    if found.is_empty() {
        let what = if holds(pem, "PRIVATE KEY") { ", only a private key" } else { "" };
        let message = format!("there is no certificate in it{what}");
        return Err(TlsConfigError::new(
            message,
            "a block begins with -----BEGIN CERTIFICATE-----",
        ));
    }
    Ok(found)
}

/// The private key of a file.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    if holds(pem, "ENCRYPTED PRIVATE KEY") || holds(pem, "Proc-Type: 4,ENCRYPTED") {
        return Err(TlsConfigError::new(
            "the private key is encrypted",
            "decrypt it: openssl pkey -in encrypted.key -out plain.key",
        ));
    }
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(PemError::NoItemsFound) => {
            let what = if holds(pem, "CERTIFICATE") { ", only certificates" } else { "" };
            let message = format!("there is no private key in it{what}");
            Err(TlsConfigError::new(message, "a block begins with -----BEGIN PRIVATE KEY-----"))
        }
        Err(error) => Err(broken(&error)),
    }
}

/// All lists of revoked certificates of a file.
pub(crate) fn revocation_lists(
    pem: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| broken(&error))?;
    if found.is_empty() {
        let help = "a block begins with -----BEGIN X509 CRL-----";
        return Err(TlsConfigError::new("there is no list of revoked certificates in it", help));
    }
    Ok(found)
}

fn holds(pem: &[u8], text: &str) -> bool {
    pem.windows(text.len()).any(|window| window == text.as_bytes())
}

fn broken(error: &PemError) -> TlsConfigError {
    TlsConfigError::new(format!("it is no PEM: {error}"), "PEM is text between BEGIN and END lines")
}
