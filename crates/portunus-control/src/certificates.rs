//! The certificates that are served: from files that are watched, by ACME, and by the local authority.
//!
//! Stores are filled here and nowhere else, each as a whole. Handshakes look in them without a lock.

mod acme;
mod shown;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock, Wall};

use self::acme::Acme;
pub(crate) use self::shown::{Shown, ShownCertificate};
use crate::World;
use crate::shared::Current;
use crate::task::Task;
use crate::watch::Watcher;

/// Keeps the stores of certificates full.
#[derive(Debug)]
pub(crate) struct Certificates {
    shown: Arc<Shown>,
    watcher: Watcher,
    acme: Option<Acme>,
    acme_folder: PathBuf,
    _rotation: Task,
}

impl Certificates {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let shown = Arc::new(Shown::new(Arc::clone(world)));
        Self {
            shown,
            watcher: Watcher::new(),
            acme: None,
            acme_folder: crate::state_folder(&world.env).join("acme"),
            _rotation: Task::spawn(rotate_tickets(Arc::clone(world))),
        }
    }

    /// What is served now, for those who ask.
    pub(crate) fn shown(&self) -> &Arc<Shown> {
        &self.shown
    }

    /// Fills the stores of a configuration that was read at some time after `since`, and follows its files.
    pub(crate) fn serve(&mut self, current: &Current, since: Wall) {
        let compiled = &current.compiled;
        self.shown.serve(compiled.certificates.clone());
        let files: Vec<_> = compiled.tls_files.iter().map(|file| current.base.join(file)).collect();
        self.watcher.follow_since(&files, &[], since);
        let source = compiled.acme.as_ref();
        let folder = source.and_then(|source| source.storage.as_deref());
        let folder =
            folder.map_or_else(|| self.acme_folder.clone(), |path| current.base.join(path));
        self.ask(source.map(|source| &source.plan), &folder);
    }

    /// Waits until a file has changed. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        self.watcher.changed().await;
    }

    /// Ends the orders, so that another process may go on with them at once.
    pub(crate) async fn stop(&mut self) {
        if let Some(acme) = self.acme.take() {
            acme.stop().await;
        }
    }

    fn ask(&mut self, plan: Option<&portunus_acme::AcmePlan>, folder: &Path) {
        match (plan, &self.acme) {
            (None, None) => {}
            (None, Some(_)) => {
                self.acme = None;
                self.shown.issued(&[]);
            }
            (Some(plan), Some(acme)) if acme.folder() == folder => acme.follow(plan),
            (Some(plan), _) => {
                self.acme = Some(Acme::start(plan.clone(), folder, Arc::clone(&self.shown)));
            }
        }
    }
}

/// Looks now and then whether keys of tickets are old.
async fn rotate_tickets(world: Arc<World>) {
    loop {
        tokio::time::sleep(ROTATION_LOOK_EVERY).await;
        world.tls.rotate_tickets(SystemClock.wall());
    }
}

/// Much less than a key of tickets lives.
const ROTATION_LOOK_EVERY: Duration = Duration::from_secs(600);
