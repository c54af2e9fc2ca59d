//! The key that signs cookies of clients that stay: from the configuration, or kept in the state folder.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::{hmac, rand};

/// Signs the cookies of clients that stay at their endpoint.
#[derive(Clone, Eq, PartialEq)]
pub struct StickyKey(Arc<[u8]>);

impl StickyKey {
    /// The key that a text stands for.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(secret.trim().as_bytes().into())
    }

    /// A key that nobody else has.
    #[must_use]
    pub fn random() -> Self {
        Self::of(&random_text())
    }

    /// The key of a folder; made where there is none, for its owner alone.
    ///
    /// # Errors
    /// The folder cannot be used, or holds something else.
    pub fn kept_in(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(folder, &path)?;
                fs::read_to_string(&path)?
            }
            text => text?,
        };
        match text.trim().len() >= KEY_TEXT_BYTES_MIN {
            true => Ok(Self::of(&text)),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is too short for a key")),
        }
    }

    /// The MAC of a text, as text.
    pub(crate) fn sign(&self, text: &str) -> String {
        self.mac(PURPOSE, text)
    }

    /// The MAC of a text for another purpose than cookies: a name for it that tells nothing of it.
    #[must_use]
    pub fn mac(&self, purpose: &[u8], text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(purpose);
        context.update(text.as_bytes());
        hex(context.sign().as_ref().get(..MAC_BYTES).unwrap_or(&[]))
    }
}

impl fmt::Debug for StickyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StickyKey")
    }
}

/// Puts a new key in place whole. Of several processes that do this at once, the first one's key stays.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = path.with_added_extension(random_text().get(..8).unwrap_or("new"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let placed = writeln!(file, "{}", random_text())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// 32 random bytes.
fn random_text() -> String {
    let mut bytes = [0; 32];
    match rand::fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => unreachable!("the library's generator fails only where the system has none"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file of a folder's key.
const FILE: &str = "sticky.key";
/// Shorter texts can be guessed.
const KEY_TEXT_BYTES_MIN: usize = 32;
/// Tells these MACs from others of the same key.
const PURPOSE: &[u8] = b"portunus sticky v1\0";
/// Half of a MAC cannot be guessed either.
const MAC_BYTES: usize = 16;

#[cfg(test)]
mod tests;
