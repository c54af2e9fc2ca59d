//! What became of the asks of all workers, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters and gauges of a shared store, summed over the workers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SharedTally {
    /// Asks that Redis answered.
    pub answered: u64,
    /// Asks without an answer in time.
    pub timed_out: u64,
    /// Asks that failed otherwise: the connection broke, or Redis answered with an error.
    pub failed: u64,
    /// Asks that were not made, because Redis was away or too many were under way.
    pub skipped: u64,
    /// Connections made.
    pub connected: u64,
    /// Gauge: workers with a connection.
    pub workers_up: u64,
    /// Gauge: workers whose breaker is open.
    pub workers_down: u64,
}

#[derive(Debug, Default)]
pub(crate) struct TallyState {
    pub(crate) answered: AtomicU64,
    pub(crate) timed_out: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) connected: AtomicU64,
    pub(crate) workers_up: AtomicU64,
    pub(crate) workers_down: AtomicU64,
}

impl TallyState {
    pub(crate) fn read(&self) -> SharedTally {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SharedTally {
            answered: of(&self.answered),
            timed_out: of(&self.timed_out),
            failed: of(&self.failed),
            skipped: of(&self.skipped),
            connected: of(&self.connected),
            workers_up: of(&self.workers_up),
            workers_down: of(&self.workers_down),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
