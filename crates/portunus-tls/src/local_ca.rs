//! A certificate authority of this machine, for trying things out.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

use crate::facts::hex;
use crate::{Certificate, TlsConfigError, load_pair};

/// A local authority, kept in a folder.
pub struct LocalCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    path: PathBuf,
}

impl LocalCa {
    /// The authority of a folder; made where there is none.
    ///
    /// # Errors
    /// The folder cannot be used, or holds something else.
    pub fn open(folder: &Path) -> Result<Self, TlsConfigError> {
        let (cert, key) = (folder.join(CERT), folder.join(KEY));
        if !cert.exists() || !key.exists() {
            Self::create(folder, &cert, &key)?;
        }
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| unusable(path, &error));
        let (pem, key_pem) = (read(&cert)?, read(&key)?);
        let pair = KeyPair::from_pem(&key_pem).map_err(|error| unusable(&key, &error))?;
        let issuer =
            Issuer::from_ca_cert_pem(&pem, pair).map_err(|error| unusable(&cert, &error))?;
        Ok(Self { issuer, pem, path: cert })
    }

    fn create(folder: &Path, cert: &Path, key: &Path) -> Result<(), TlsConfigError> {
        fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let guard = folder.join(GUARD);
        let _locked = lock(&guard).map_err(|error| unusable(&guard, &error))?;
        // Another process may have made it while this one waited.
        if cert.exists() && key.exists() {
            return Ok(());
        }
        let pair = new_key()?;
        let mut params = CertificateParams::default();
        // Two authorities of one name would be taken for each other.
        let id = digest(&SHA256, pair.public_key_pem().as_bytes());
        let id = hex(id.as_ref().get(..4).unwrap_or(&[]));
        params.distinguished_name = named(&format!("Portunus local authority {id}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, CA_DAYS);
        let made = params.self_signed(&pair).map_err(|error| unusable(cert, &error))?;
        // The certificate comes last: where it stands, its key does.
        remove(cert).map_err(|error| unusable(cert, &error))?;
        write(key, &pair.serialize_pem(), 0o600).map_err(|error| unusable(key, &error))?;
        write(cert, &made.pem(), 0o644).map_err(|error| unusable(cert, &error))
    }

    /// The authority's certificate, for those who are to trust it.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A certificate for these names and addresses, the first one its main name.
    ///
    /// # Errors
    /// A name is none.
    pub fn issue(&self, names: &[String]) -> Result<Certificate, TlsConfigError> {
        let (cert, key) = self.issue_pem(names)?;
        load_pair(cert.as_bytes(), key.as_bytes(), None)
    }

    /// As [`LocalCa::issue`], as PEM: the certificate with its authority, and the key.
    ///
    /// # Errors
    /// A name is none.
    pub fn issue_pem(&self, names: &[String]) -> Result<(String, String), TlsConfigError> {
        let failed = |error: rcgen::Error| {
            TlsConfigError::plain(format!("no certificate for {}: {error}", names.join(", ")))
        };
        let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
        params.distinguished_name = named(names.first().map_or("localhost", String::as_str));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, LEAF_DAYS);
        let pair = new_key()?;
        let made = params.signed_by(&pair, &self.issuer).map_err(failed)?;
        Ok((format!("{}{}", made.pem(), self.pem), pair.serialize_pem()))
    }
}

fn new_key() -> Result<KeyPair, TlsConfigError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
        .map_err(|error| TlsConfigError::plain(format!("no key can be made: {error}")))
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// From yesterday on, for clocks that are behind.
#[expect(clippy::disallowed_methods, reason = "a certificate is good from the system's time on")]
fn valid_for(params: &mut CertificateParams, days: u64) {
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(24 * 3600);
    params.not_before = (now - day).into();
    params.not_after = (now + day * u32::try_from(days).unwrap_or(u32::MAX)).into();
}

/// Waits until no other process holds the file; it is held until it is dropped.
fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Puts a file in place whole: nobody ever reads half of it, and it outlives a crash of the machine.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    // What a crash left may be readable by others.
    remove(&beside)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, error: &dyn fmt::Display) -> TlsConfigError {
    TlsConfigError::plain(format!("the local authority cannot use {}: {error}", path.display()))
}

impl fmt::Debug for LocalCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalCa({})", self.path.display())
    }
}

const CERT: &str = "ca.pem";
const KEY: &str = "ca.key";
/// Locked by whoever makes an authority.
const GUARD: &str = ".guard";
const CA_DAYS: u64 = 3650;
/// Browsers take no certificate that is good for longer.
const LEAF_DAYS: u64 = 397;
