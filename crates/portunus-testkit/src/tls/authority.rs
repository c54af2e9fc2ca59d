//! A certificate authority of the test's own.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that nobody knows but those who are told.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Identity {
    certificate_pem: String,
    certificate: Vec<u8>,
    key_pem: String,
    key: Vec<u8>,
    serial: Vec<u8>,
}

/// A certificate to be issued.
#[derive(Debug)]
pub struct Leaf<'a> {
    authority: &'a Authority,
    params: CertificateParams,
    is_rsa: bool,
}

impl Authority {
    /// An authority with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        Self { issuer }
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Begins a certificate for these names and addresses; the first is its common name too.
    #[must_use]
    pub fn leaf(&self, names: &[&str]) -> Leaf<'_> {
        let owned: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(owned).expect("names for a certificate");
        if let Some(name) = names.first() {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Leaf { authority: self, params, is_rsa: false }
    }

    /// A P-256 certificate for these names, for a server.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.leaf(names).issue()
    }

    /// A P-256 certificate of this name, for a client.
    #[must_use]
    pub fn client(&self, name: &str) -> Identity {
        self.leaf(&[name]).for_client().issue()
    }

    /// A list with the certificates that this authority takes back, in PEM.
    #[must_use]
    pub fn revoke(&self, revoked: &[&Identity]) -> String {
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&identity.serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).expect("a list of revoked certificates");
        list.pem().expect("the list as PEM")
    }
}

impl Leaf<'_> {
    /// With an RSA key instead of P-256.
    #[must_use]
    pub fn rsa(mut self) -> Self {
        self.is_rsa = true;
        self
    }

    /// For a client instead of a server.
    #[must_use]
    pub fn for_client(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self
    }

    /// Whose time was over long ago.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.params.not_before = date_time_ymd(2020, 1, 1);
        self.params.not_after = date_time_ymd(2021, 1, 1);
        self
    }

    /// Issues it.
    #[must_use]
    pub fn issue(mut self) -> Identity {
        let key = match self.is_rsa {
            true => KeyPair::generate_for(&PKCS_RSA_SHA256),
            false => KeyPair::generate(),
        };
        let key = key.expect("a key");
        let serial = next_serial();
        self.params.serial_number = Some(SerialNumber::from_slice(&serial));
        let issued = self.params.signed_by(&key, &self.authority.issuer).expect("a certificate");
        Identity {
            certificate_pem: issued.pem(),
            certificate: issued.der().to_vec(),
            key_pem: key.serialize_pem(),
            key: key.serialize_der(),
            serial,
        }
    }
}

impl Identity {
    /// The certificate in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The key in PEM (PKCS#8).
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(self.certificate.clone())]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

/// Serial numbers that no other certificate of this process has.
fn next_serial() -> Vec<u8> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x0100_0001);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()
}
