//! The history on the disk: a file for each configuration, for its owner alone.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{History, KeptFile, Revision, digest};
use crate::task::Task;

/// Where the history of one main file is kept. Writes off the control thread, and of what waits only the newest: a disk
/// that hangs holds up nobody and fills no memory.
#[derive(Debug)]
pub(crate) struct HistoryFolder {
    place: Place,
    home: Handle,
    /// The files that were there at the start.
    known: Written,
    writer: Option<(watch::Sender<Arc<History>>, Task)>,
}

/// Names of files with what they hold of a revision that may change.
type Written = BTreeMap<String, bool>;

/// A file of the folder.
#[derive(Deserialize, Serialize)]
struct Stored {
    /// Of this form.
    version: u32,
    /// Its paths start in the folder of the main file, where they are below it.
    revision: Revision,
}

impl HistoryFolder {
    /// The folder of a main file, however that is spelled. Nothing is made there yet.
    pub(crate) fn new(state: &Path, main: &Path, home: Handle) -> Self {
        // Several programs of one user may share the state folder.
        let name = digest(&[KeptFile { path: PathBuf::new(), text: identity(main) }]);
        let name: String = name.chars().take(NAME_LENGTH).collect();
        let place = Place { path: state.join("history").join(name) };
        Self { place, home, known: Written::new(), writer: None }
    }

    /// What earlier processes have left of this main file; what cannot be read is left out.
    pub(crate) fn load(&mut self, main: &Path) -> History {
        let mut found: Vec<Revision> = Vec::new();
        for (number, name) in self.place.files() {
            match read(&self.place.path.join(&name)) {
                Ok(revision) => {
                    self.known.insert(name, revision.is_undone);
                    found.push(Revision { number, ..revision.at(main) });
                }
                Err(error) => tracing::warn!(name, "a configuration of the history: {error}"),
            }
        }
        History::new(found)
    }

    /// Has this written, and what is gone removed.
    pub(crate) fn save(&mut self, now: &Arc<History>) {
        if let Some((wanted, _)) = &self.writer {
            wanted.send_replace(Arc::clone(now));
            return;
        }
        let (wanted, waiting) = watch::channel(Arc::clone(now));
        let work = write_all(self.place.clone(), std::mem::take(&mut self.known), waiting);
        self.writer = Some((wanted, Task::spawn_on(&self.home, work)));
    }

    /// Waits until all is written.
    pub(crate) async fn finish(&mut self) {
        if let Some((wanted, writing)) = self.writer.take() {
            drop(wanted);
            // A disk that hangs does not keep the process from its end.
            writing.ended(FINISH_MAX).await;
        }
    }
}

/// Writes the newest of what is wanted, until nothing can be wanted any more. What fails is tried again with the next.
async fn write_all(place: Place, mut written: Written, mut wanted: watch::Receiver<Arc<History>>) {
    wanted.mark_changed();
    while wanted.changed().await.is_ok() {
        let history = Arc::clone(&wanted.borrow_and_update());
        let place = place.clone();
        let write = move || {
            if let Err(error) = place.write(&history, &mut written) {
                let folder = place.path.display();
                tracing::warn!(%folder, %error, "the history of configurations is in memory alone");
            }
            written
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(now) => written = now,
            // It has panicked, or the process ends.
            Err(_) => return,
        }
    }
}

/// What a main file is, however its path is spelled. A file that is a link, as in a volume of Kubernetes, is that link:
/// what it leads to is another one with each change.
fn identity(main: &Path) -> String {
    let folder = main.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.join(main.file_name().unwrap_or_default()).to_string_lossy().into_owned()
}

/// The folder itself.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
}

impl Place {
    /// Writes what is not `written` as it is now, and removes of that what is gone: other files are another process's.
    fn write(&self, history: &History, written: &mut Written) -> io::Result<()> {
        let wanted = |revision: &Arc<Revision>| (name_of(revision), Arc::clone(revision));
        let wanted: BTreeMap<String, _> = history.revisions().iter().map(wanted).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        for (name, revision) in &wanted {
            if written.get(name) != Some(&revision.is_undone) {
                self.write_one(name, revision)?;
                written.insert(name.clone(), revision.is_undone);
            }
        }
        let gone =
            |written: &Written| written.keys().find(|name| !wanted.contains_key(*name)).cloned();
        while let Some(name) = gone(written) {
            match fs::remove_file(self.path.join(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => written.remove(&name),
            };
        }
        File::open(&self.path)?.sync_all()
    }

    fn write_one(&self, name: &str, revision: &Revision) -> io::Result<()> {
        let main = revision.main.file_name().unwrap_or_default();
        let stored = Stored { version: VERSION, revision: revision.clone().at(Path::new(main)) };
        let text = serde_json::to_vec(&stored).map_err(io::Error::other)?;
        let beside = self.path.join(format!(".{name}.new"));
        // One that an earlier process could not finish.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, self.path.join(name))
    }

    /// The files with their numbers, in order.
    fn files(&self) -> Vec<(u64, String)> {
        let Ok(entries) = self.path.read_dir() else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let numbered = |name: String| Some((number_of(&name)?, name));
        let mut files: Vec<(u64, String)> = names.filter_map(numbered).collect();
        files.sort_unstable();
        files
    }
}

/// Two processes that write at once have names of their own, unless they write the same.
fn name_of(Revision { number, digest, .. }: &Revision) -> String {
    format!("{number}-{}.json", digest.get(..DIGEST_IN_NAME).unwrap_or(digest))
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.split_once('-')?.0.parse().ok()
}

fn read(path: &Path) -> io::Result<Revision> {
    let Stored { version, revision } = serde_json::from_slice(&fs::read(path)?)?;
    if version != VERSION || digest(&revision.files) != revision.digest {
        return Err(io::Error::other("it is of another version of Portunus, or damaged"));
    }
    Ok(revision)
}

const VERSION: u32 = 1;
const NAME_LENGTH: usize = 16;
const DIGEST_IN_NAME: usize = 16;
const FINISH_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
