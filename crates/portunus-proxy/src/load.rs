//! How busy each worker is, so that a new connection goes to one that is less so.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use portunus_base::WorkerId;

/// Open connections and running exchanges of each worker, and what the process is short of.
#[derive(Debug)]
pub(crate) struct Loads {
    workers: Vec<Load>,
    memory_full: AtomicBool,
    /// How many times there was no file descriptor left.
    shortages: AtomicU64,
}

/// One worker's part, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Load {
    connections: AtomicUsize,
    in_flight: AtomicUsize,
}

impl Loads {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| Load::default()).collect(),
            memory_full: AtomicBool::new(false),
            shortages: AtomicU64::new(0),
        }
    }

    /// Sets a worker's numbers. Only that worker does.
    pub(crate) fn set(&self, worker: WorkerId, connections: usize, in_flight: usize) {
        if let Some(load) = self.workers.get(worker.0 as usize) {
            load.connections.store(connections, Ordering::Relaxed);
            load.in_flight.store(in_flight, Ordering::Relaxed);
        }
    }

    /// The process holds as much memory as it may.
    pub(crate) fn is_memory_full(&self) -> bool {
        self.memory_full.load(Ordering::Relaxed)
    }

    pub(crate) fn set_memory_full(&self, full: bool) {
        self.memory_full.store(full, Ordering::Relaxed);
    }

    /// How many times there was no file descriptor left.
    pub(crate) fn shortages(&self) -> u64 {
        self.shortages.load(Ordering::Relaxed)
    }

    /// Counts that there was no file descriptor left.
    pub(crate) fn fall_short(&self) {
        self.shortages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connections(&self) -> usize {
        self.workers.iter().map(|load| load.connections.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.workers.iter().map(|load| load.in_flight.load(Ordering::Relaxed)).sum()
    }

    /// A worker that is clearly less busy than `own`, if there is one. The kernel spreads connections by a hash,
    /// which is uneven for few of them.
    pub(crate) fn less_loaded(&self, own: WorkerId) -> Option<WorkerId> {
        let connections = |load: &Load| load.connections.load(Ordering::Relaxed);
        let mine = connections(self.workers.get(own.0 as usize)?);
        let (index, least) =
            self.workers.iter().map(connections).enumerate().min_by_key(|(_, count)| *count)?;
        let clearly = mine > least + HANDOVER_MIN.max(least / 8);
        clearly.then_some(WorkerId(index as u16))
    }
}

/// Differences up to this many connections are let be.
const HANDOVER_MIN: usize = 4;

#[cfg(test)]
mod tests;
