//! The local authority of `tls: self_signed`.

use std::path::PathBuf;

use portunus_config::Env;
use portunus_tls::{LocalCa, TlsConfigError};

use crate::state_folder;

/// Where it is kept.
pub(crate) fn authority_folder(env: &Env) -> PathBuf {
    state_folder(env).join("ca")
}

/// A certificate of the local authority of this user for these names, with its key, as PEM; the authority is made if
/// it is not there yet.
///
/// # Errors
/// Its folder cannot be used, or a name is none.
pub fn issue_locally(env: &Env, names: &[String]) -> Result<(String, String), TlsConfigError> {
    LocalCa::open(&authority_folder(env))?.issue_pem(names)
}

/// The certificate of the local authority of this user, as PEM; the authority is made if it is not there yet.
///
/// # Errors
/// Its folder cannot be used.
pub fn local_authority(env: &Env) -> Result<String, TlsConfigError> {
    LocalCa::open(&authority_folder(env)).map(|authority| authority.pem().to_owned())
}
