//! The token that a Portunus makes for the commands of its own user. Whoever may read its file may change what runs, so
//! it is for its owner alone. It is never printed; what runs knows only its hash.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf, absolute};

use aws_lc_rs::rand;
use portunus_config::spec::{AdminAddressSpec, AdminSpec};
use portunus_config::{Env, ListenAddress};
use portunus_identity::KeyHash;
use rustix::fs::OFlags;

use crate::state_folder;

/// The token of a state folder.
#[derive(Debug)]
pub(crate) struct OwnToken {
    path: PathBuf,
    hash: KeyHash,
}

impl OwnToken {
    /// Whether a configuration leaves commands no other way to change something.
    pub(crate) fn is_wanted(admin: &AdminSpec) -> bool {
        let is_tcp = match &admin.address.value {
            AdminAddressSpec::Off | AdminAddressSpec::On(ListenAddress::Unix(_)) => false,
            AdminAddressSpec::On(ListenAddress::Tcp(_) | ListenAddress::Any(_)) => true,
        };
        is_tcp && admin.token.is_none()
    }

    /// That of the state folder. Where it cannot be kept, that is told, and there is none.
    pub(crate) fn kept(env: &Env) -> Option<Self> {
        let path = own_token_file(env);
        let kept = Self::kept_at(&path);
        if let Err(error) = &kept {
            let file = path.display();
            tracing::warn!(%file, %error, "commands cannot change what runs: no token can be kept for them");
        }
        kept.ok()
    }

    /// That of a file; made where there is none, and made anew where others might know it.
    fn kept_at(path: &Path) -> io::Result<Self> {
        let text = match read_ours(path) {
            Ok(text) => text,
            Err(why) => {
                let is_new = why.kind() == ErrorKind::NotFound;
                make(path, is_new)?;
                if !is_new {
                    let file = path.display();
                    tracing::warn!(%file, %why, "the token for commands was not to be trusted, and is another one now");
                }
                read_ours(path)?
            }
        };
        Ok(Self { path: absolute(path)?, hash: KeyHash::of(text.as_bytes()) })
    }

    /// Whether what was shown is the token.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        // Of hashes, how long they take to compare tells nothing.
        KeyHash::of(shown) == self.hash
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The file with the token that a running Portunus with this environment has made for its commands.
#[must_use]
pub fn own_token_file(env: &Env) -> PathBuf {
    state_folder(env).join(FILE)
}

/// Reads the token from such a file. Whatever else lies there is not read: it might be sent to a stranger.
///
/// # Errors
/// There is none, it may not be read, or it is no token.
pub fn read_own_token(path: &Path) -> io::Result<String> {
    token_in(open(path)?)
}

/// As [`read_own_token`], where only we can have written or read it.
fn read_ours(path: &Path) -> io::Result<String> {
    let file = open(path)?;
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is another user's"));
    }
    if found.mode() & OTHERS != 0 {
        return Err(io::Error::other("others may read or write it"));
    }
    token_in(file)
}

fn open(path: &Path) -> io::Result<File> {
    // Neither is a link followed nor the writer of a pipe waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no file")),
    }
}

fn token_in(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let token = text.trim_end();
    match token.len() == 2 * TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(token.to_owned()),
        false => Err(io::Error::new(ErrorKind::InvalidData, "it is no token")),
    }
}

/// Puts a new token in place whole. Of several processes that make the first one at once, the first one's stays.
fn make(path: &Path, is_new: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_added_extension(random_text().get(..8).unwrap_or("new"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = writeln!(file, "{}", random_text()).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| match is_new {
        true => fs::hard_link(&beside, path),
        false => fs::rename(&beside, path),
    });
    match (fs::remove_file(&beside), placed) {
        (_, Err(error)) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        (Err(error), _) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn random_text() -> String {
    let mut bytes = [0; TOKEN_BYTES];
    match rand::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => unreachable!("the library's generator fails only where the system has none"),
    }
}

/// The file of a state folder's token.
const FILE: &str = "admin.token";
/// Bytes of a token. Its text has two digits for each.
const TOKEN_BYTES: usize = 32;
/// Longer files hold something else.
const FILE_BYTES_MAX: u64 = 128;
/// What the mode of the file may not let others do, nor let anybody execute.
const OTHERS: u32 = 0o177;

#[cfg(test)]
mod tests;
