//! Permits, and those who wait for one.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use portunus_resilience::{Acquired, Concurrency, Permit, Priority, Queue, Wish};

/// Permits by key, and those who wait for one: shared by all workers.
#[derive(Debug)]
pub(super) struct Permits {
    held: Arc<Concurrency>,
    queue: Arc<Queue>,
}

/// How many may wait, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most that wait at once.
    pub(super) waiting_max: u32,
    /// The most of one key.
    pub(super) of_key_max: u32,
    pub(super) timeout: Duration,
}

/// What came of asking for a permit.
#[derive(Debug)]
pub(super) enum Entered {
    /// The request may go on, and holds this until it is over.
    Passed(Ticket),
    /// As many as may are under way.
    Full,
}

/// A permit; the next one of those who wait is told when it ends.
#[derive(Debug)]
pub(super) struct Ticket {
    permit: Option<Permit>,
    key: u64,
    queue: Arc<Queue>,
}

impl Permits {
    pub(super) fn new(room: usize) -> Self {
        Self { held: Arc::new(Concurrency::new(room)), queue: Arc::default() }
    }

    /// How many of a key are under way.
    pub(super) fn held(&self, key: u64) -> u32 {
        self.held.held(key)
    }

    /// A permit, unless as many are held as may be, or somebody waits for one.
    pub(super) fn enter(&self, key: u64, max: u32) -> Entered {
        let free = !self.queue.is_waited_for(key);
        free.then(|| self.take(key, max)).flatten().map_or(Entered::Full, Entered::Passed)
    }

    /// Waits for a permit; `None` where too many wait already. Who came first gets the first one.
    pub(super) fn wait(
        self: &Arc<Self>,
        key: u64,
        max: u32,
        bounds: Bounds,
    ) -> Option<impl Future<Output = Entered> + use<>> {
        let Bounds { waiting_max, of_key_max, timeout } = bounds;
        // Filters of one name may have different limits.
        let (sight, priority) = (u64::from(max), Priority::Normal);
        let wish = Wish { key, priority, sight, max: waiting_max, key_max: of_key_max };
        let turn = self.queue.join(wish).ok()?;
        let permits = Arc::clone(self);
        let take = move || {
            let ticket = permits.take(key, max)?;
            Some((ticket, max.saturating_sub(permits.held(key))))
        };
        Some(async move {
            match tokio::time::timeout(timeout, turn.wait(take)).await {
                Ok(Ok(ticket)) => Entered::Passed(ticket),
                _ => Entered::Full,
            }
        })
    }

    fn take(&self, key: u64, max: u32) -> Option<Ticket> {
        match self.held.acquire(key, max) {
            Acquired::Allowed(permit) => {
                Some(Ticket { permit, key, queue: Arc::clone(&self.queue) })
            }
            Acquired::Refused => None,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        drop(self.permit.take());
        // Before the look at who waits: whoever does looks at the permits after having been counted.
        fence(Ordering::SeqCst);
        self.queue.call(self.key);
    }
}

#[cfg(test)]
mod tests;
