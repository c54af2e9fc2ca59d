//! What was used of quotas, over restarts: held for filters while Portunus runs, and saved at its end.

use std::path::Path;
#[expect(clippy::disallowed_types, reason = "only the saving of quotas takes it")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock};
use portunus_filter::Services;
use portunus_limits::{QuotaBook, QuotaFuture, QuotaPersistence, QuotaRow};
use portunus_store::EmbeddedQuotas;
use tokio::sync::watch;

/// What was used of quotas. Filters that count find it among the services.
pub(crate) struct Quotas {
    book: Arc<QuotaBook>,
    kept: Arc<Kept>,
}

impl Quotas {
    /// Opens what is kept in the state folder. What cannot be read is told, and counting begins anew.
    pub(crate) async fn open(services: &Services, state: &Path) -> Self {
        let kept = Arc::new(Kept::new(EmbeddedQuotas::new(state.join(FILE))));
        let book = QuotaBook::open(Arc::clone(&kept) as _).await.unwrap_or_else(|error| {
            tracing::warn!("quotas are counted anew, and not kept: {error}");
            QuotaBook::in_memory()
        });
        Self { book: services.state(QuotaBook::STATE, || book), kept }
    }

    /// Saves what was used, and gives the file to a process that takes over. What is used here from then on is saved
    /// when the file is taken back.
    pub(crate) async fn hand_over(&self) {
        self.save().await;
        self.kept.is_ours.send_replace(false);
        if let Err(error) = self.kept.store.hand_over().await {
            tracing::warn!("what was used of quotas is not handed over: {error}");
        }
    }

    /// Takes the file back from a process that did not want it.
    pub(crate) async fn take_back(&self) {
        if let Err(error) = self.kept.store.take_back().await {
            tracing::warn!("what is used of quotas is not saved: {error}");
        }
        self.kept.is_ours.send_replace(true);
    }

    /// Saves what was used since the last time. A disk that hangs does not keep the process from its end.
    pub(crate) async fn save(&self) {
        let saved = tokio::time::timeout(SAVE_MAX, self.book.save(SystemClock.wall())).await;
        if let Err(error) = saved.unwrap_or_else(|_| Err("the disk does not answer".to_owned())) {
            tracing::warn!("what was used of quotas is not saved: {error}");
        }
    }
}

/// The embedded store of quotas. A Portunus without quotas writes nothing: what comes first, to a store that is empty,
/// is about the store alone, and waits for what comes next.
struct Kept {
    store: EmbeddedQuotas,
    /// False while another process has the store.
    is_ours: watch::Sender<bool>,
    #[expect(clippy::disallowed_types, reason = "only the saving of quotas takes it")]
    first: Mutex<First>,
}

/// What becomes of the first rows for an empty store.
enum First {
    /// They have not come.
    Expected,
    /// They wait.
    Waiting(Vec<QuotaRow>),
    /// They are written, or there are none.
    Written,
}

impl Kept {
    fn new(store: EmbeddedQuotas) -> Self {
        Self { store, is_ours: watch::Sender::new(true), first: First::Written.into() }
    }

    /// The rows to write now; `None` where they wait.
    fn due(&self, rows: Vec<QuotaRow>) -> Option<Vec<QuotaRow>> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            First::Expected => {
                *first = First::Waiting(rows);
                None
            }
            First::Waiting(before) => Some(before.iter().cloned().chain(rows).collect()),
            First::Written => Some(rows),
        }
    }

    fn note(&self, now: First) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl QuotaPersistence for Kept {
    fn load(&self) -> QuotaFuture<'_, Vec<QuotaRow>> {
        Box::pin(async {
            let rows = self.store.load().await.map_err(|error| error.to_string())?;
            self.note(if rows.is_empty() { First::Expected } else { First::Written });
            Ok(rows)
        })
    }

    fn save(&self, rows: Vec<QuotaRow>) -> QuotaFuture<'_, ()> {
        Box::pin(async {
            // The sender is here, so this cannot fail.
            let _ = self.is_ours.subscribe().wait_for(|is_ours| *is_ours).await;
            let Some(due) = self.due(rows) else { return Ok(()) };
            self.store.save(due).await.map_err(|error| error.to_string())?;
            self.note(First::Written);
            Ok(())
        })
    }
}

const SAVE_MAX: Duration = Duration::from_secs(10);
/// In the state folder.
const FILE: &str = "quotas.redb";

#[cfg(test)]
mod tests;
