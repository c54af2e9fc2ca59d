//! Sessions that ended before their time: bounded, without a lock for readers, kept across reloads.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

/// What ended: all sessions of it that began before.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Ended<'e> {
    /// One session here, by its id.
    Session(&'e str),
    /// A session at a provider (`sid`), and all that came of it here.
    ProviderSession {
        /// The provider's mark.
        provider: &'e str,
        /// Its name for the session.
        sid: &'e str,
    },
    /// All sessions of a user of a provider.
    Subject {
        /// The provider's mark.
        provider: &'e str,
        /// Its name for the user.
        subject: &'e str,
    },
}

/// The sessions that ended before their time.
pub(crate) struct Revoked {
    /// Times by a hash that nobody outside can foresee.
    shards: Box<[ArcSwap<Shard>]>,
    hasher: RandomState,
    any: AtomicBool,
}

/// Seconds since the epoch by hash.
type Shard = HashMap<u64, u64>;

impl Revoked {
    /// Notes an end. `forget_s` is how long the longest session lasts: what ended longer ago is of no use.
    pub(crate) fn add(&self, ended: Ended<'_>, at: u64, forget_s: u64) {
        let hash = self.hasher.hash_one(ended);
        let Some(shard) = self.shard(hash) else { return };
        shard.rcu(|known| {
            let mut next = Shard::clone(known);
            if next.len() >= SHARD_ENTRIES_MAX {
                next.retain(|_, ended| ended.saturating_add(forget_s) > at);
            }
            if next.len() >= SHARD_ENTRIES_MAX && !next.contains_key(&hash) {
                let oldest = next.iter().min_by_key(|(_, at)| **at).map(|(hash, _)| *hash);
                oldest.map(|oldest| next.remove(&oldest));
            }
            let time = next.entry(hash).or_insert(at);
            *time = (*time).max(at);
            Arc::new(next)
        });
        self.any.store(true, Ordering::Release);
    }

    /// Whether a session that began at `created` has ended.
    pub(crate) fn has(&self, ended: Ended<'_>, created: u64) -> bool {
        // Acquire: whoever sees that there is one sees the one.
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let hash = self.hasher.hash_one(ended);
        let at = self.shard(hash).and_then(|shard| shard.load().get(&hash).copied());
        at.is_some_and(|at| created <= at)
    }

    fn shard(&self, hash: u64) -> Option<&ArcSwap<Shard>> {
        // The table inside uses the low bits.
        self.shards.get((hash >> 58) as usize)
    }
}

impl Default for Revoked {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| ArcSwap::default()).collect();
        Self { shards, hasher: RandomState::new(), any: AtomicBool::new(false) }
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.shards.iter().map(|shard| shard.load().len()).sum();
        write!(f, "Revoked({count})")
    }
}

/// As many as the top six bits of a hash tell apart.
const SHARDS: usize = 64;
/// With all shards 65,536 entries: about 2 MB.
const SHARD_ENTRIES_MAX: usize = 1024;

#[cfg(test)]
mod tests;
