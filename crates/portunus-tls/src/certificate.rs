//! Certificates with their keys.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use portunus_base::Wall;
use rustls::SignatureAlgorithm;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::facts::hex;
use crate::{TlsConfigError, pem};

/// A certificate with its chain and its key, ready to be served.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) key: Arc<CertifiedKey>,
    facts: Arc<CertFacts>,
    names: Names,
}

/// The names that a certificate is good for: as in [`CertFacts::names`], to be kept by many connections.
pub type Names = Arc<[Box<str>]>;

/// What a certificate says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertFacts {
    /// The names that it is good for: DNS names in lower case, IP addresses as text.
    pub names: Vec<Box<str>>,
    /// From when on it is good.
    pub not_before: Wall,
    /// Until when.
    pub not_after: Wall,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// SHA-256 over it, in lower-case hex.
    pub fingerprint_sha256: String,
    /// The kind of its key.
    pub key: KeyKind,
    /// It was signed with its own key.
    pub self_signed: bool,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// ECDSA.
    Ecdsa,
    /// Ed25519.
    Ed25519,
    /// Another.
    Other,
}

impl Certificate {
    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &CertFacts {
        &self.facts
    }

    /// The names that it is good for.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn of(key: CertifiedKey) -> Result<Self, TlsConfigError> {
        let der = key.end_entity_cert().map_err(|error| unreadable(&error))?;
        let kind = match key.key.algorithm() {
            SignatureAlgorithm::RSA => KeyKind::Rsa,
            SignatureAlgorithm::ECDSA => KeyKind::Ecdsa,
            SignatureAlgorithm::ED25519 => KeyKind::Ed25519,
            _ => KeyKind::Other,
        };
        let facts = Arc::new(read(der, kind)?);
        let names = facts.names.clone().into();
        Ok(Self { key: Arc::new(key), facts, names })
    }
}

/// A certificate and its key from PEM; `ocsp` is an answer of the authority that is sent along, in DER.
///
/// # Errors
/// Either cannot be read, they do not fit, or the key is of a kind that is not known.
pub fn load_pair(
    cert_pem: &[u8],
    key_pem: &[u8],
    ocsp: Option<Vec<u8>>,
) -> Result<Certificate, TlsConfigError> {
    let chain = pem::certificates(cert_pem)?;
    let key = pem::private_key(key_pem)?;
    let signer = any_supported_type(&key).map_err(|error| {
        let help = "use ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits";
        TlsConfigError::new(format!("the private key cannot be used: {error}"), help)
    })?;
    let mut certified = CertifiedKey::new(chain, signer);
    if !fits(&certified) {
        let help = "the first certificate of the file must be the one that the key belongs to";
        return Err(TlsConfigError::new("certificate and private key do not fit", help));
    }
    certified.ocsp = ocsp;
    Certificate::of(certified)
}

/// Whether the certificate is one for the key. The library's own look refuses certificates with critical extensions
/// that it does not know, and ACME's tls-alpn-01 is such a one (RFC 8737 section 3).
fn fits(certified: &CertifiedKey) -> bool {
    let Some(of_key) = certified.key.public_key() else { return true };
    let der = certified.end_entity_cert().ok();
    let parsed = der.and_then(|der| X509Certificate::from_der(der).ok());
    // One that cannot be read is told by whoever reads it next.
    parsed.is_none_or(|(_, parsed)| parsed.public_key().raw == of_key.as_ref())
}

fn read(der: &CertificateDer<'_>, key: KeyKind) -> Result<CertFacts, TlsConfigError> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.iter().filter_map(name).collect());
    let wall = |time: x509_parser::time::ASN1Time| {
        Wall(u64::try_from(time.timestamp()).unwrap_or(0).saturating_mul(1_000_000))
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    Ok(CertFacts {
        names: names.unwrap_or_default(),
        not_before: wall(parsed.validity().not_before),
        not_after: wall(parsed.validity().not_after),
        issuer: parsed.issuer().to_string(),
        fingerprint_sha256: hex(digest.as_ref()),
        key,
        self_signed: parsed.issuer() == parsed.subject(),
    })
}

fn name(name: &GeneralName<'_>) -> Option<Box<str>> {
    match *name {
        GeneralName::DNSName(dns) => Some(dns.to_ascii_lowercase().into()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()?;
            Some(ip.to_string().into())
        }
        _ => None,
    }
}

fn unreadable(error: &dyn fmt::Display) -> TlsConfigError {
    TlsConfigError::plain(format!("the certificate cannot be read: {error}"))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts.fmt(f)
    }
}
