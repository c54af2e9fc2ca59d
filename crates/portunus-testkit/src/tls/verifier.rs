//! Checks certificates as any client does, and remembers what else came with them. It may know
//! signatures of one kind alone.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use crate::wait::Watched;

#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) inner: Arc<WebPkiServerVerifier>,
    /// RSA alone, elliptic curves alone, or both.
    pub(super) is_rsa: Option<bool>,
    /// The OCSP answer that came last.
    pub(super) staple: Arc<Watched<Vec<u8>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.staple.change(|staple| *staple = ocsp.to_vec());
        self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let is_wanted = |scheme: &SignatureScheme| {
            let is_rsa = format!("{scheme:?}").starts_with("RSA");
            self.is_rsa.is_none_or(|wanted| wanted == is_rsa)
        };
        let mut schemes = self.inner.supported_verify_schemes();
        schemes.retain(is_wanted);
        schemes
    }
}
