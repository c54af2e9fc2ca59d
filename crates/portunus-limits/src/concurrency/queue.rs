//! Permits, and those who wait for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use portunus_resilience::{Acquired, Concurrency, Permit};
use tokio::sync::Notify;

/// Permits by key, and those who wait for one: shared by all workers.
#[derive(Debug)]
pub(super) struct Queue {
    permits: Arc<Concurrency>,
    waiting: AtomicU32,
    /// Tells those who wait, on whatever worker, that a permit is free.
    freed: Notify,
}

/// What came of asking for a permit.
#[derive(Debug)]
pub(super) enum Entered {
    /// The request may go on, and holds this until it is over.
    Passed(Ticket),
    /// As many as may are under way.
    Full,
}

/// A permit that tells those who wait when it ends.
#[derive(Debug)]
pub(super) struct Ticket {
    permit: Option<Permit>,
    queue: Arc<Queue>,
}

impl Queue {
    pub(super) fn new(room: usize) -> Self {
        Self {
            permits: Arc::new(Concurrency::new(room)),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
        }
    }

    /// How many of a key are under way.
    pub(super) fn held(&self, key: u64) -> u32 {
        self.permits.held(key)
    }

    pub(super) fn enter(self: &Arc<Self>, key: u64, max: u32) -> Entered {
        match self.permits.acquire(key, max) {
            Acquired::Allowed(permit) => {
                Entered::Passed(Ticket { permit, queue: Arc::clone(self) })
            }
            Acquired::Refused => Entered::Full,
        }
    }

    /// Waits for a permit; `None` where too many wait already. Whoever asks first when one is free gets it.
    pub(super) fn wait(
        self: &Arc<Self>,
        key: u64,
        max: u32,
        places: u32,
        timeout: Duration,
    ) -> Option<impl Future<Output = Entered> + use<>> {
        let take = |waiting| (waiting < places).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).ok()?;
        let place = Place(Arc::clone(self));
        Some(async move {
            let queue = Arc::clone(&place.0);
            let entered = tokio::time::timeout(timeout, queue.next(key, max)).await;
            drop(place);
            entered.map_or(Entered::Full, Entered::Passed)
        })
    }

    async fn next(self: &Arc<Self>, key: u64, max: u32) -> Ticket {
        loop {
            // Asked for before the permit is, so that one that ends in between is heard of.
            let freed = self.freed.notified();
            if let Entered::Passed(ticket) = self.enter(key, max) {
                return ticket;
            }
            freed.await;
        }
    }
}

/// A place among those who wait.
struct Place(Arc<Queue>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        drop(self.permit.take());
        if self.queue.waiting.load(Ordering::SeqCst) > 0 {
            self.queue.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
