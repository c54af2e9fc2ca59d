//! The history of accepted configurations, and the step back in it.

use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock};

use super::Control;
use crate::history::{History, HistoryFolder, Revision};
use crate::shared::Reloaded;
use crate::{ConfigSource, Refusal, state_folder};

impl Control {
    /// Serves the configuration before the one that is served, by the same checks as any other. The files stay as they
    /// are.
    ///
    /// # Errors
    /// There is none, or why it is refused.
    pub async fn back(&mut self) -> Result<Reloaded, Refusal> {
        let history = self.shared.history.load_full();
        match history.before() {
            Some(revision) => self.serve_other(Some(revision)).await,
            None if self.history.is_none() => Err(Refusal::History(NO_FILES.to_owned())),
            None => Err(Refusal::History(NO_EARLIER.to_owned())),
        }
    }

    /// Goes on with what an earlier process has left.
    pub(super) fn begin_history(&mut self) {
        let ConfigSource::File(main) = &self.source else { return };
        let state = state_folder(&self.shared.world.env);
        let mut folder = HistoryFolder::new(&state, main, self.services.handle());
        self.shared.history.store(Arc::new(folder.load(main)));
        self.history = Some(folder);
        let change = String::from("the start of the process");
        self.note_accepted(&Reloaded { generation: self.shared.generation(), change });
    }

    /// The files were read and are served.
    pub(super) fn note_accepted(&mut self, reloaded: &Reloaded) {
        let ConfigSource::File(main) = &self.source else { return };
        let files = std::mem::take(&mut self.files.read);
        let mut revision = Revision::new(main.clone(), files, SystemClock.wall());
        revision.generation = Some(reloaded.generation);
        revision.change.clone_from(&reloaded.change);
        self.note(|history| history.accepted(revision));
    }

    /// A configuration of the history is served.
    pub(super) fn note_back(&mut self, revision: &Revision, generation: u64) {
        self.note(|history| history.went_back(&revision.digest, generation));
    }

    fn note(&mut self, next: impl FnOnce(&History) -> History) {
        let now = Arc::new(next(&self.shared.history.load()));
        if let Some(folder) = &mut self.history {
            folder.save(&now);
        }
        self.shared.history.store(now);
    }

    pub(super) async fn finish_history(&mut self) {
        if let Some(folder) = &mut self.history {
            folder.finish().await;
        }
    }
}

const NO_FILES: &str = "the configuration comes from no file, so there is no history of it";
const NO_EARLIER: &str = "no earlier configuration is known to go back to";
