//! What was used of all quotas, and how it is kept over restarts.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
#[expect(
    clippy::disallowed_types,
    reason = "taken when filters are built and saved: never by a worker"
)]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_filter::Background;
use portunus_resilience::{Calendar, Period, Seed, Usage};

use crate::key::random_seed;

/// What was used of all quotas. Control opens one at start, holds it, and saves it at the end; filters find it under
/// [`QuotaBook::STATE`].
pub struct QuotaBook {
    /// Keys are kept as hashes, so it is kept too.
    seed: Seed,
    kept: Option<Arc<dyn QuotaPersistence>>,
    /// Held while it is saved, so that nothing older is written after something newer.
    saving: tokio::sync::Mutex<()>,
    #[expect(
        clippy::disallowed_types,
        reason = "taken when filters are built and saved: never by a worker"
    )]
    pages: Mutex<Pages>,
}

/// Where quotas are kept.
pub trait QuotaPersistence: Send + Sync {
    /// All rows that were saved.
    fn load(&self) -> QuotaFuture<'_, Vec<QuotaRow>>;

    /// Puts these in the place of those with the same keys; one with a `used` of 0 may be forgotten.
    fn save(&self, rows: Vec<QuotaRow>) -> QuotaFuture<'_, ()>;
}

/// Ends with a value, or with what went wrong, for the log.
pub type QuotaFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// A key of one quota, the start of its day or month in microseconds since 1970, and what was used in it.
pub type QuotaRow = (Box<[u8]>, u64, u64);

/// Calendars by name, and rows that were loaded and whose quota is not there yet.
#[derive(Default)]
struct Pages {
    calendars: HashMap<Box<str>, Page>,
    waiting: HashMap<Box<str>, Vec<Usage>>,
}

struct Page {
    calendar: Arc<Calendar>,
    room: usize,
    /// What was saved last, by key.
    saved: HashMap<u64, Usage>,
}

impl QuotaBook {
    /// The key of the state that filters look for.
    pub const STATE: &'static str = "quotas";

    /// A book that is forgotten at the end.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            seed: random_seed(),
            kept: None,
            saving: Default::default(),
            pages: Pages::default().into(),
        }
    }

    /// A book that is kept there, with what it had.
    ///
    /// # Errors
    /// What was kept cannot be read.
    pub async fn open(kept: Arc<dyn QuotaPersistence>) -> Result<Self, String> {
        let rows = kept.load().await?;
        let seed = rows.iter().find(|(key, ..)| **key == *SEED_KEY);
        let seed = match seed {
            Some((_, k0, k1)) => Seed(*k0, *k1),
            None => {
                let seed = random_seed();
                kept.save(vec![(SEED_KEY.into(), seed.0, seed.1)]).await?;
                seed
            }
        };
        let mut pages = Pages::default();
        for (name, usage) in rows.iter().filter_map(read_row) {
            pages.waiting.entry(name.into()).or_default().push(usage);
        }
        Ok(Self { seed, kept: Some(kept), saving: Default::default(), pages: pages.into() })
    }

    /// Saves what has changed.
    ///
    /// # Errors
    /// It could not be saved; it is tried again with the next save.
    pub async fn save(&self, now: Wall) -> Result<(), String> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let _saving = self.saving.lock().await;
        let changes = self.changes(now);
        if changes.is_empty() {
            return Ok(());
        }
        let rows = changes.iter().map(|(name, usage)| row(name, usage)).collect();
        kept.save(rows).await?;
        let mut pages = self.pages();
        for (name, usage) in changes {
            if let Some(page) = pages.calendars.get_mut(&name) {
                page.note(usage);
            }
        }
        Ok(())
    }

    pub(super) fn seed(&self) -> Seed {
        self.seed
    }

    /// The calendar of that name: the one that there is, with what was used. Another room is for when no filter counts in
    /// it: a filter may be built for a configuration that is refused, and what counts goes on in what is saved.
    pub(super) fn calendar(
        &self,
        name: &str,
        period: Period,
        room: usize,
        now: Wall,
    ) -> Arc<Calendar> {
        let name: Box<str> = format!("{name} by {}", period.word()).into();
        let mut pages = self.pages();
        let known = pages.calendars.remove(&name);
        if let Some(page) = known.as_ref().filter(|page| page.room == room || page.is_in_use()) {
            let calendar = Arc::clone(&page.calendar);
            pages.calendars.extend(known.map(|page| (name, page)));
            return calendar;
        }
        let calendar = Arc::new(Calendar::new(period, room));
        let mut page = Page { calendar: Arc::clone(&calendar), room, saved: HashMap::new() };
        let waiting = pages.waiting.remove(&name).unwrap_or_default();
        if let Some(before) = known {
            before.calendar.usages(now).for_each(|usage| calendar.restore(usage, now));
            page.saved = before.saved;
        }
        for usage in waiting {
            calendar.restore(usage, now);
            page.note(usage);
        }
        pages.calendars.insert(name, page);
        calendar
    }

    /// What is used now and was not saved, and what was saved and is over.
    fn changes(&self, now: Wall) -> Vec<(Box<str>, Usage)> {
        let pages = self.pages();
        let mut changes = Vec::new();
        for (name, page) in &pages.calendars {
            let used: HashMap<u64, Usage> =
                page.calendar.usages(now).map(|usage| (usage.key, usage)).collect();
            let over = page.saved.values().filter(|usage| !used.contains_key(&usage.key));
            let over = over.map(|usage| Usage { used: 0, ..*usage });
            let new = used.values().filter(|usage| page.saved.get(&usage.key) != Some(*usage));
            changes.extend(new.copied().chain(over).map(|usage| (name.clone(), usage)));
        }
        changes
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// A filter holds it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.calendar) > 1
    }

    fn note(&mut self, usage: Usage) {
        match usage.used {
            0 => self.saved.remove(&usage.key),
            _ => self.saved.insert(usage.key, usage),
        };
    }
}

impl Background for QuotaBook {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut failed = false;
            loop {
                tokio::time::sleep(SAVE_EVERY).await;
                let saved = self.save(SystemClock.wall()).await;
                if let (Err(error), false) = (&saved, failed) {
                    tracing::warn!("what was used of quotas is not saved: {error}");
                }
                failed = saved.is_err();
            }
        })
    }
}

/// `name`, a zero, and the key.
fn row(name: &str, usage: &Usage) -> QuotaRow {
    let mut key = name.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(&usage.key.to_le_bytes());
    (key.into(), usage.start.0, usage.used)
}

fn read_row((key, start_us, used): &QuotaRow) -> Option<(&str, Usage)> {
    let (name, number) = key.split_last_chunk::<8>()?;
    let name = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?;
    let usage = Usage { key: u64::from_le_bytes(*number), start: Wall(*start_us), used: *used };
    Some((name, usage))
}

/// The row of the seed.
const SEED_KEY: &[u8] = b"seed";
/// A crash loses no more than was used since.
const SAVE_EVERY: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
