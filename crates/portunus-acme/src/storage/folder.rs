//! The first storage: a folder, which may lie on a file system that several nodes mount.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock};

use super::{Storage, Stored};

/// Values as files that only their owner may read: 0600, in folders of 0700.
#[derive(Clone, Debug)]
pub struct FolderStorage {
    root: PathBuf,
}

impl FolderStorage {
    /// Keeps values under `root`; the folder is made with the first of them.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, key: &str) -> io::Result<PathBuf> {
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if key.split('/').all(is_plain) {
            Ok(self.root.join(key))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a key of storage"))
        }
    }
}

impl Storage for FolderStorage {
    fn read(&self, key: &str) -> Stored<'_, Option<Vec<u8>>> {
        let path = self.path(key);
        blocking(move || present(fs::read(path?)))
    }

    fn write(&self, key: &str, value: Vec<u8>) -> Stored<'_, ()> {
        let path = self.path(key);
        blocking(move || replace(&path?, &value))
    }

    fn lease(&self, key: &str, owner: &str, time: Duration) -> Stored<'_, bool> {
        let (path, owner) = (self.path(&lease_key(key)), owner.to_owned());
        blocking(move || lease(&path?, &owner, time, now_s()))
    }

    fn release(&self, key: &str, owner: &str) -> Stored<'_, ()> {
        let (path, owner) = (self.path(&lease_key(key)), owner.to_owned());
        blocking(move || release(&path?, &owner))
    }
}

fn lease_key(key: &str) -> String {
    format!("{key}.lock")
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Stored<'static, T> {
    let task = tokio::task::spawn_blocking(work);
    Box::pin(async move { task.await.map_err(io::Error::other)? })
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file beside the path, and moves it there when it is on the disk.
fn replace(path: &Path, value: &[u8]) -> io::Result<()> {
    let folder = folder_of(path)?;
    let number = portunus_base::Rng::from_system().u64();
    let beside = folder.join(format!(".new-{number:016x}"));
    let written = write_new(&beside, value).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What matters is why it was not written.
        let _ = fs::remove_file(&beside);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, value: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(value)?;
    file.sync_all()
}

/// The folder of a file, made where it is absent.
fn folder_of(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    Ok(folder)
}

/// A lease is a file with its owner and its end in Unix seconds.
///
/// A lock of the system guards looking and writing, so that of two nodes one gets it; the lease
/// itself outlives a node that dies, until its end.
fn lease(path: &Path, owner: &str, time: Duration, now_s: u64) -> io::Result<bool> {
    let _guard = guard(path)?;
    let held = present(fs::read_to_string(path))?.and_then(|text| held_by(&text));
    if held.is_some_and(|(other, until_s)| other != owner && until_s > now_s) {
        return Ok(false);
    }
    let until_s = now_s.saturating_add(time.as_secs());
    replace(path, format!("{owner} {until_s}\n").as_bytes())?;
    Ok(true)
}

fn release(path: &Path, owner: &str) -> io::Result<()> {
    let _guard = guard(path)?;
    let held = present(fs::read_to_string(path))?.and_then(|text| held_by(&text));
    if held.is_some_and(|(other, _)| other == owner) { fs::remove_file(path) } else { Ok(()) }
}

fn held_by(text: &str) -> Option<(String, u64)> {
    let (owner, until_s) = text.trim().split_once(' ')?;
    Some((owner.to_owned(), until_s.parse().ok()?))
}

fn guard(path: &Path) -> io::Result<File> {
    let path = folder_of(path)?.join(".guard");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
    file.lock()?;
    Ok(file)
}

fn now_s() -> u64 {
    SystemClock.wall().0 / 1_000_000
}

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

#[cfg(test)]
mod tests;
