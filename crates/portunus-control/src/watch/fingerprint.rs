//! Whether files are still the same, without reading them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What files look like from outside: which ones there are, where links lead, size and time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fingerprint(Vec<(PathBuf, Option<Look>)>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Look {
    real: PathBuf,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Fingerprint {
    pub(super) fn of(files: &[PathBuf], folders: &[PathBuf]) -> Self {
        let inside = folders.iter().flat_map(|folder| yaml_files(folder));
        let mut all: Vec<PathBuf> = files.iter().cloned().chain(inside).collect();
        all.sort();
        all.dedup();
        Self(all.into_iter().map(|path| (path.clone(), look(&path))).collect())
    }

    /// True when a file was written at `since`, in seconds and nanoseconds since the Unix epoch, or later.
    pub(super) fn is_newer_than(&self, since: (i64, i64)) -> bool {
        self.0.iter().filter_map(|(_, look)| look.as_ref()).any(|look| look.modified >= since)
    }
}

fn look(path: &Path) -> Option<Look> {
    let meta = path.metadata().ok()?;
    let real = path.canonicalize().ok()?;
    let modified = (meta.mtime(), meta.mtime_nsec());
    Some(Look { real, inode: meta.ino(), bytes: meta.size(), modified })
}

/// Files that may belong to a configuration; others in the folder come and go as they like.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = here.read_dir() else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml")).collect()
}
