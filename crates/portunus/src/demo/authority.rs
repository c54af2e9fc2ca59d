//! The local authority behind the https of a demonstration.
//!
//! It stands in the demonstration's folder and ends with it: whoever came to trust it for an hour trusts nobody
//! afterwards, and the authority of this user's own Portunus stays untouched.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portunus_config::Env;

/// The authority, and where a Portunus of the demonstration finds it.
#[derive(Debug)]
pub(super) struct Authority {
    state: PathBuf,
    certificate: PathBuf,
}

impl Authority {
    /// Makes one in the folder of a demonstration.
    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        let (state, certificate) = (folder.join("state"), folder.join("ca.pem"));
        let authority = Self { state, certificate };
        let pem = portunus_control::local_authority(&authority.env());
        let pem = pem.map_err(anyhow::Error::msg).context("no local authority")?;
        fs::write(&authority.certificate, pem)
            .with_context(|| format!("cannot write {}", authority.certificate.display()))?;
        Ok(authority)
    }

    /// Its certificate, for clients.
    pub(super) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The environment of a Portunus that uses it: a state folder of its own.
    pub(super) fn env(&self) -> Env {
        Env::from([(STATE_VARIABLE.to_owned(), self.state.display().to_string())])
    }
}

/// Names the state folder, as systemd does.
const STATE_VARIABLE: &str = "STATE_DIRECTORY";
