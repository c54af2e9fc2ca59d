//! Configurations are read from the disk and noted, and read again from what was noted.

use std::cell::RefCell;
use std::path::{Component, Path, PathBuf};

use portunus_config::{Disk, Files, matches};

use super::KeptFile;

/// The disk; notes each text that was read.
#[derive(Default)]
pub(crate) struct Recorder {
    read: RefCell<Vec<KeptFile>>,
}

impl Recorder {
    /// The files of a configuration among what was read; secrets in other files are not.
    pub(crate) fn files(self, paths: &[PathBuf]) -> Vec<KeptFile> {
        let mut read = self.read.into_inner();
        read.retain(|file| paths.contains(&file.path));
        read
    }
}

impl Files for Recorder {
    fn read(&self, path: &Path) -> Result<String, String> {
        let text = Disk.read(path)?;
        let file = KeptFile { path: path.to_owned(), text: text.clone() };
        let mut read = self.read.borrow_mut();
        if !read.iter().any(|known| known.path == file.path) {
            read.push(file);
        }
        Ok(text)
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, String> {
        Disk.bytes(path)
    }

    fn is_open_to_all(&self, path: &Path) -> bool {
        Disk.is_open_to_all(path)
    }

    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        Disk.glob(pattern)
    }
}

/// The files of a configuration as they were, beside all others as they are on the disk: those with secrets, for
/// instance.
pub(crate) struct KeptFiles<'k>(pub(crate) &'k [KeptFile]);

impl Files for KeptFiles<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        match self.0.iter().find(|file| file.path == path) {
            Some(file) => Ok(file.text.clone()),
            None => Disk.read(path),
        }
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, String> {
        Disk.bytes(path)
    }

    fn is_open_to_all(&self, path: &Path) -> bool {
        Disk.is_open_to_all(path)
    }

    /// Those that are kept alone: one that has come since was no part of the configuration.
    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        let paths = self.0.iter().map(|file| &file.path);
        let mut found: Vec<_> = paths.filter(|path| is_match(pattern, path)).cloned().collect();
        found.sort();
        found
    }
}

fn is_match(pattern: &Path, path: &Path) -> bool {
    let part = |(pattern, part): (Component<'_>, Component<'_>)| match (pattern, part) {
        (Component::Normal(pattern), Component::Normal(part)) => {
            matches(&pattern.to_string_lossy(), &part.to_string_lossy())
        }
        (pattern, part) => pattern == part,
    };
    pattern.components().count() == path.components().count()
        && pattern.components().zip(path.components()).all(part)
}
