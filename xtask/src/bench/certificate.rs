//! The certificate of all proxies that end TLS: P-256, signed by itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// Two files: the certificate, and its key.
pub(super) struct Certificate(PathBuf);

impl Certificate {
    /// Makes one with openssl.
    pub(super) fn create(work: &Path) -> Result<Self> {
        let folder = work.join("certificate");
        fs::create_dir_all(&folder)?;
        let mut openssl = process::command("openssl")?;
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        openssl.args(["-nodes", "-days", "30", "-subj", "/CN=bench.test"]);
        openssl.args(["-addext", "subjectAltName=DNS:bench.test,DNS:localhost,IP:127.0.0.1"]);
        openssl.arg("-keyout").arg(folder.join(KEY)).arg("-out").arg(folder.join(CERTIFICATE));
        process::output(&mut openssl).context("openssl made no certificate")?;
        Ok(Self(folder))
    }

    /// Puts both into a proxy's folder, and into one file for those that want that.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<()> {
        let (certificate, key) = (fs::read(self.0.join(CERTIFICATE))?, fs::read(self.0.join(KEY))?);
        fs::write(folder.join(BOTH), [certificate.as_slice(), key.as_slice()].concat())?;
        fs::write(folder.join(CERTIFICATE), certificate)?;
        fs::write(folder.join(KEY), key)?;
        Ok(())
    }
}

const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";
const BOTH: &str = "both.pem";
