//! When which endpoint is asked. Pure, but for the draws.
//!
//! Each endpoint has its own time within the interval, so that neither all endpoints nor all proxies ask in step.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use portunus_balance::Endpoint;
use portunus_base::Rng;
use tokio::time::Instant;

use super::tally::Tally;

/// The endpoints of an upstream, by the key of their state, and when they are asked.
pub(super) struct Schedule {
    every: Duration,
    healthy_after: u32,
    rng: Rng,
    entries: HashMap<u32, Entry>,
    /// Those that are not being asked, and some that are there no more.
    waiting: BinaryHeap<Reverse<(Instant, u32)>>,
}

struct Entry {
    /// Its place in the set that was followed last.
    index: usize,
    /// When it is asked next, also while it is being asked.
    due: Instant,
    is_new: bool,
    tally: Tally,
}

impl Schedule {
    pub(super) fn new(every: Duration, healthy_after: u32, rng: Rng) -> Self {
        let (entries, waiting) = (HashMap::new(), BinaryHeap::new());
        Self { every, healthy_after, rng, entries, waiting }
    }

    /// Takes on another set. Those that are in it already stay as they are; new ones are asked soon, one shortly after the
    /// other. Answers the keys of those that have left.
    pub(super) fn follow(&mut self, endpoints: &[Endpoint], now: Instant) -> Vec<u32> {
        let mut before = std::mem::take(&mut self.entries);
        let mut delay = Duration::ZERO;
        for (index, endpoint) in endpoints.iter().enumerate() {
            let (key, down) = (endpoint.state.key(), endpoint.state.active_down());
            if self.entries.contains_key(&key) {
                continue;
            }
            let entry = before.remove(&key).unwrap_or_else(|| {
                let due = now + delay;
                delay = (delay + STEP).min(self.every);
                self.waiting.push(Reverse((due, key)));
                Entry {
                    index,
                    due,
                    is_new: true,
                    tally: Tally::inherited(down, self.healthy_after),
                }
            });
            self.entries.insert(key, Entry { index, ..entry });
        }
        before.into_keys().collect()
    }

    /// The place of one whose time has come. It is not asked again before it is put back.
    pub(super) fn take(&mut self, now: Instant) -> Option<usize> {
        while let Some(Reverse((due, key))) = self.waiting.peek().copied()
            && due <= now
        {
            self.waiting.pop();
            let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.due == due) else {
                continue;
            };
            // From its first check on, an endpoint has its own time within the interval.
            let (least, span) =
                if std::mem::take(&mut entry.is_new) { (10, 100) } else { (90, 21) };
            entry.due = now + share(self.every, least, span, &mut self.rng);
            return Some(entry.index);
        }
        None
    }

    /// It was asked.
    pub(super) fn put_back(&mut self, key: u32) {
        if let Some(entry) = self.entries.get(&key) {
            self.waiting.push(Reverse((entry.due, key)));
        }
    }

    /// What the checks of an endpoint said.
    pub(super) fn tally(&mut self, key: u32) -> Option<&mut Tally> {
        self.entries.get_mut(&key).map(|entry| &mut entry.tally)
    }

    /// When the next one is asked.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((due, _))| *due)
    }
}

/// A random part of the interval: from `least` per cent on, and fewer than `span` more.
fn share(every: Duration, least: u32, span: usize, rng: &mut Rng) -> Duration {
    let percent = least + u32::try_from(rng.below(span)).unwrap_or(0);
    (every * percent / 100).max(Duration::from_millis(1))
}

/// Between the first checks of endpoints that are new together.
const STEP: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests;
