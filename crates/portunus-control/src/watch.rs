//! `--watch`: hears of changed files and waits until they are quiet.
//!
//! Folders are watched, not files: editors and Kubernetes replace files and symbolic links instead
//! of writing to them. As notifications get lost on some file systems, the files are also looked at
//! now and then.

mod fingerprint;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use portunus_base::Wall;

use self::fingerprint::Fingerprint;

/// Watches the files of a configuration.
#[derive(Debug)]
pub(crate) struct Watcher {
    notices: mpsc::Receiver<()>,
    /// `None` when the system gives no notifications; then there is only looking.
    notify: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    known: Fingerprint,
}

impl Watcher {
    /// A watcher that follows no files yet.
    pub(crate) fn new() -> Self {
        let (sender, notices) = mpsc::channel(1);
        let notify = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let read_only = event.is_ok_and(|event| event.kind.is_access());
            if !read_only {
                // A full channel holds a notice already.
                let _ = sender.try_send(());
            }
        });
        if let Err(error) = &notify {
            tracing::warn!(%error, "no notifications of changed files; looking at them instead");
        }
        Self {
            notices,
            notify: notify.ok(),
            watched: BTreeSet::new(),
            files: Vec::new(),
            folders: Vec::new(),
            known: Fingerprint::default(),
        }
    }

    /// Follows these files, and new files in these folders, from now on.
    pub(crate) fn follow(&mut self, files: &[PathBuf], folders: &[PathBuf]) {
        if self.files == files && self.folders == folders {
            return;
        }
        (self.files, self.folders) = (files.to_vec(), folders.to_vec());
        let wanted: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| parent(file)).chain(folders.iter().cloned()).collect();
        if let Some(notify) = &mut self.notify {
            for gone in self.watched.difference(&wanted) {
                let _ = notify.unwatch(gone);
            }
            for new in wanted.difference(&self.watched) {
                // A folder that is not there yet is found by looking.
                let _ = notify.watch(new, RecursiveMode::NonRecursive);
            }
        }
        self.watched = wanted;
        self.known = self.look();
    }

    /// As [`Watcher::follow`], for files that were read at some time after `since`: one written meanwhile counts as
    /// changed. Those that are followed already were looked at before the reading, and that look stays: a file whose
    /// time lies in the future would count as changed without end.
    pub(crate) fn follow_since(&mut self, files: &[PathBuf], folders: &[PathBuf], since: Wall) {
        if self.files == files && self.folders == folders {
            return;
        }
        self.follow(files, folders);
        let since = ((since.0 / 1_000_000) as i64, (since.0 % 1_000_000 * 1_000) as i64);
        if self.known.is_newer_than(since) {
            self.known = Fingerprint::default();
        }
    }

    /// The files are about to be read: only later changes count.
    pub(crate) fn mark(&mut self) {
        self.known = self.look();
    }

    /// Waits until a file has changed and all have been quiet for a moment. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        let mut first = self.known == Fingerprint::default();
        loop {
            // Without notifications the channel is closed; then only the time counts.
            let wait = if std::mem::take(&mut first) { Duration::ZERO } else { LOOK_EVERY };
            let notice = timeout(wait, self.notices.recv()).await;
            if notice == Ok(None) {
                sleep(LOOK_EVERY).await;
            }
            if self.look() == self.known {
                continue;
            }
            quiet(&mut self.notices).await;
            let now = self.look();
            if now != self.known {
                self.known = now;
                return;
            }
        }
    }

    fn look(&self) -> Fingerprint {
        Fingerprint::of(&self.files, &self.folders)
    }
}

/// Waits until there was no notice for a moment; an endless stream of them is cut.
async fn quiet(notices: &mut mpsc::Receiver<()>) {
    let settle = async { while let Ok(Some(())) = timeout(QUIET, notices.recv()).await {} };
    let _ = timeout(QUIET_MAX, settle).await;
}

fn parent(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

/// How long the files must be quiet before they are read.
const QUIET: Duration = Duration::from_millis(200);
/// How long an unquiet folder is waited for.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// How often the files are looked at without a notification.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
