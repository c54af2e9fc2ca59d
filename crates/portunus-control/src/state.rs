//! The folder where a Portunus keeps what must outlive it: keys, certificates, accounts.

use std::path::{Path, PathBuf};

use portunus_config::Env;

/// The folder: `STATE_DIRECTORY`, as systemd gives it; else `/var/lib/portunus` for root and those without a home, and
/// that of the XDG rules for others. Nothing is made there yet.
#[must_use]
pub fn state_folder(env: &Env) -> PathBuf {
    folder(env, rustix::process::geteuid().is_root())
}

/// Decides where it is, once and for all: a process that becomes another user keeps it, and so does the one after it.
pub(crate) fn settle(env: &mut Env) {
    let folder = state_folder(env).display().to_string();
    env.insert(VARIABLE.to_owned(), folder);
}

fn folder(env: &Env, is_root: bool) -> PathBuf {
    let given = |name: &str| env.get(name).filter(|value| !value.is_empty());
    if let Some(folders) = given(VARIABLE) {
        // Of several, the first one is the unit's own.
        return PathBuf::from(folders.split(':').next().unwrap_or(folders));
    }
    if is_root {
        return PathBuf::from(SYSTEM);
    }
    let xdg = given("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || given("HOME").map(|home| Path::new(home).join(".local/state"));
    // Never a folder for temporary files: whoever comes first could put keys of their own there.
    xdg.or_else(home).map_or_else(|| PathBuf::from(SYSTEM), |state| state.join("portunus"))
}

/// Names the folder.
pub(crate) const VARIABLE: &str = "STATE_DIRECTORY";
const SYSTEM: &str = "/var/lib/portunus";

#[cfg(test)]
mod tests;
