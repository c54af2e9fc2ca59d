//! The configurations that were accepted, the last few of them, as their files were read.
//!
//! They may hold secrets: they are kept in memory and in files that nobody else may read, and are never printed.
//! Secrets by reference stay references.

mod folder;
mod kept;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portunus_base::Wall;
use serde::{Deserialize, Serialize};

pub(crate) use self::folder::HistoryFolder;
pub(crate) use self::kept::{KeptFiles, Recorder};
use crate::admin::timestamp;

/// A file of a configuration as it was read.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct KeptFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A configuration that was accepted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Revision {
    /// Its main file.
    pub(crate) main: PathBuf,
    /// All its files, the main one among them.
    pub(crate) files: Vec<KeptFile>,
    /// SHA-256 of the files, in hexadecimal. Who knows most of a file could find the rest by it: it is not shown.
    pub(crate) digest: String,
    /// When it was accepted first, in microseconds since the Unix epoch.
    pub(crate) at_us: u64,
    /// What was different from the one before.
    pub(crate) change: String,
    /// Somebody went back from it: it is no aim of another step back.
    pub(crate) is_undone: bool,
    /// The generation under which this process served it last.
    #[serde(skip)]
    pub(crate) generation: Option<u64>,
    /// Its number in the folder.
    #[serde(skip)]
    pub(crate) number: u64,
}

/// The configurations that were accepted, the oldest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct History {
    revisions: Vec<Arc<Revision>>,
    /// The digest of the one that is served.
    current: String,
    /// It was served by going back: the files on the disk say something else.
    is_back: bool,
}

impl History {
    /// What an earlier process has left.
    pub(crate) fn new(revisions: Vec<Revision>) -> Self {
        let mut all = Self::default();
        for revision in revisions {
            // Two processes may have accepted the same.
            all.revisions.retain(|known| known.digest != revision.digest);
            all.revisions.push(Arc::new(revision));
        }
        all.trim();
        all
    }

    /// All of them, the oldest first.
    pub(crate) fn revisions(&self) -> &[Arc<Revision>] {
        &self.revisions
    }

    /// The one that is served.
    pub(crate) fn current(&self) -> Option<&Arc<Revision>> {
        self.revisions.iter().find(|revision| revision.digest == self.current)
    }

    /// Whether the files on the disk say something else than what is served.
    pub(crate) fn is_back(&self) -> bool {
        self.is_back
    }

    /// The one that a step back leads to.
    pub(crate) fn before(&self) -> Option<&Arc<Revision>> {
        let is_current = |revision: &Arc<Revision>| revision.digest == self.current;
        let at = self.revisions.iter().position(is_current)?;
        self.revisions.get(..at)?.iter().rev().find(|revision| !revision.is_undone)
    }

    /// The files were read and accepted.
    #[must_use]
    pub(crate) fn accepted(&self, mut revision: Revision) -> Self {
        let mut next = self.clone();
        next.is_back = false;
        let is_newest = self.revisions.last().is_some_and(|last| last.digest == revision.digest);
        if is_newest || self.current == revision.digest {
            if let Some(known) = next.revision_mut(&revision.digest) {
                (known.generation, known.is_undone) = (revision.generation, false);
            }
            next.current = revision.digest;
            return next;
        }
        // One that comes again is the newest now.
        next.revisions.retain(|known| known.digest != revision.digest);
        revision.number = next.revisions.last().map_or(1, |last| last.number + 1);
        next.current.clone_from(&revision.digest);
        next.revisions.push(Arc::new(revision));
        next.trim();
        next
    }

    /// The one of that digest is served again, under another generation.
    #[must_use]
    pub(crate) fn went_back(&self, digest: &str, generation: u64) -> Self {
        let mut next = self.clone();
        if let Some(undone) = next.revision_mut(&self.current) {
            undone.is_undone = true;
        }
        if let Some(revision) = next.revision_mut(digest) {
            revision.generation = Some(generation);
        }
        (next.current, next.is_back) = (digest.to_owned(), true);
        next
    }

    fn revision_mut(&mut self, digest: &str) -> Option<&mut Revision> {
        let found = self.revisions.iter_mut().find(|revision| revision.digest == digest)?;
        Some(Arc::make_mut(found))
    }

    /// Forgets the oldest where there are too many; never the one that is served.
    fn trim(&mut self) {
        let bytes = |revisions: &[Arc<Revision>]| {
            revisions.iter().map(|revision| revision.bytes()).sum::<usize>()
        };
        while self.revisions.len() > REVISIONS_MAX || bytes(&self.revisions) > BYTES_MAX {
            let oldest = self.revisions.iter().position(|one| one.digest != self.current);
            let Some(oldest) = oldest else { return };
            self.revisions.remove(oldest);
        }
    }
}

impl Revision {
    pub(crate) fn new(main: PathBuf, files: Vec<KeptFile>, at: Wall) -> Self {
        Self {
            main,
            digest: digest(&files),
            files,
            at_us: at.0,
            change: String::new(),
            is_undone: false,
            generation: None,
            number: 0,
        }
    }

    /// As it is where its main file is called `main`.
    pub(crate) fn at(mut self, main: &Path) -> Self {
        let folder = |main: &Path| main.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let (from, to) = (folder(&self.main), folder(main));
        for file in &mut self.files {
            let is_main = file.path == self.main;
            let within = file.path.strip_prefix(&from).map(|rest| to.join(rest));
            file.path = match within {
                _ if is_main => main.to_owned(),
                Ok(path) => path,
                Err(_) => continue,
            };
        }
        self.main = main.to_owned();
        self
    }

    /// What is told of going back to it.
    pub(crate) fn gone_back(&self) -> String {
        let at = timestamp(Wall(self.at_us));
        match self.generation {
            Some(generation) => format!("gone back to generation {generation}, of {at}"),
            None => format!("gone back to the configuration of {at}"),
        }
    }

    fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }
}

/// Only where it is: the text may hold secrets.
impl fmt::Debug for KeptFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// One number for some files: their texts and their paths from the folder of the first one, which is the main one, each
/// with its length. So it is the same however somebody has spelled the path of that.
pub(crate) fn digest(files: &[KeptFile]) -> String {
    let base = files.first().and_then(|main| main.path.parent()).unwrap_or_else(|| Path::new(""));
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for KeptFile { path, text } in files {
        let path = path.strip_prefix(base).unwrap_or(path);
        for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many are kept.
const REVISIONS_MAX: usize = 10;
/// How much text of them is kept.
const BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
