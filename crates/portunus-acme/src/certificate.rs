//! A certificate that an authority gave, with its key: checked, and as text for storage.

use std::fmt;

use instant_acme::CertificateIdentifier;
use portunus_base::Wall;
use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::Der;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};

use crate::plan::Names;
use crate::schedule::Life;

/// A certificate with its key, and what is known about it.
#[derive(Clone, Eq, PartialEq)]
pub struct Issued {
    names: Names,
    chain: String,
    key: String,
    directory: String,
    life: Life,
    ari: Option<CertificateIdentifier<'static>>,
}

impl Issued {
    /// Takes what an authority gave, if it is for the names and the key.
    pub(crate) fn new(
        names: Names,
        chain: String,
        key: String,
        directory: String,
    ) -> Result<Self, String> {
        let first = CertificateDer::pem_slice_iter(chain.as_bytes()).next();
        let first = first.ok_or("no certificate in PEM")?.map_err(|error| error.to_string())?;
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&first).map_err(|error| error.to_string())?;
        if let Some(absent) = names.iter().find(|name| !has_name(&parsed, name)) {
            return Err(format!("the certificate is not for {absent}"));
        }
        let pair = rcgen::KeyPair::from_pem(&key).map_err(|error| error.to_string())?;
        if pair.subject_public_key_info() != parsed.public_key().raw {
            return Err("the certificate is for another key".to_owned());
        }
        let validity = parsed.validity();
        let life = Life {
            not_before: wall(validity.not_before.timestamp()),
            not_after: wall(validity.not_after.timestamp()),
        };
        let ari = ari_id(&parsed);
        Ok(Self { names, chain, key, directory, life, ari })
    }

    /// The names that were asked for.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The certificate and those above it, in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain
    }

    /// The private key, PKCS #8 in PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// The directory that gave it.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// From when it counts.
    #[must_use]
    pub fn not_before(&self) -> Wall {
        self.life.not_before
    }

    /// Until when it counts.
    #[must_use]
    pub fn not_after(&self) -> Wall {
        self.life.not_after
    }

    pub(crate) fn life(&self) -> Life {
        self.life
    }

    /// What the authority calls it when asked about its renewal: RFC 9773, section 4.1.
    pub(crate) fn ari(&self) -> Option<&CertificateIdentifier<'static>> {
        self.ari.as_ref()
    }

    /// One file, so that a key is never stored beside another one's certificate.
    pub(crate) fn to_stored(&self) -> Vec<u8> {
        format!("{DIRECTORY}{}\n{}\n{}", self.directory, self.key, self.chain).into_bytes()
    }

    /// What [`Self::to_stored`] wrote.
    pub(crate) fn from_stored(names: Names, stored: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(stored).map_err(|error| error.to_string())?;
        let (first, pem) = text.split_once('\n').ok_or("it is not whole")?;
        let directory = first.strip_prefix(DIRECTORY).ok_or("it is of another form")?;
        let split = pem.find("-----BEGIN CERTIFICATE").ok_or("no certificate in PEM")?;
        let (key, chain) = pem.split_at_checked(split).ok_or("no certificate in PEM")?;
        Self::new(names, chain.to_owned(), key.to_owned(), directory.to_owned())
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Issued");
        shown.field("names", &self.names).field("life", &self.life).finish_non_exhaustive()
    }
}

fn has_name(certificate: &X509Certificate<'_>, name: &str) -> bool {
    let names = certificate.subject_alternative_name().ok().flatten();
    names.is_some_and(|names| {
        let is_it = |one: &GeneralName<'_>| match one {
            GeneralName::DNSName(dns) => dns.eq_ignore_ascii_case(name),
            _ => false,
        };
        names.value.general_names.iter().any(is_it)
    })
}

fn ari_id(certificate: &X509Certificate<'_>) -> Option<CertificateIdentifier<'static>> {
    let key =
        certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(authority) => authority.key_identifier.as_ref(),
            _ => None,
        })?;
    let serial = Der::from_slice(certificate.tbs_certificate.raw_serial());
    Some(CertificateIdentifier::new(Der::from_slice(key.0), serial).into_owned())
}

fn wall(seconds: i64) -> Wall {
    Wall(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000))
}

const DIRECTORY: &str = "# from ";

#[cfg(test)]
mod tests;
