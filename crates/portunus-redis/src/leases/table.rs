//! The leases of a worker, bounded: those that nobody asked for longest go first.

use std::collections::HashMap;

use crate::digest::Digest;

use super::lease::Lease;

/// Two generations of leases. When the young ones are many they become the old ones, and the old ones that nobody asked
/// for meanwhile are forgotten.
#[derive(Default)]
pub(super) struct Table {
    young: HashMap<Digest, Lease>,
    old: HashMap<Digest, Lease>,
}

impl Table {
    /// The lease of `key`, which is an empty one where there is none yet.
    pub(super) fn lease(&mut self, key: Digest) -> &mut Lease {
        if !self.young.contains_key(&key) {
            let lease = self.old.remove(&key).unwrap_or_default();
            if self.young.len() >= GENERATION_MAX {
                std::mem::swap(&mut self.young, &mut self.old);
                // Keeps its memory: a full table allocates no more.
                self.young.clear();
            }
            self.young.insert(key, lease);
        }
        self.young.entry(key).or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// Keys of one generation.
const GENERATION_MAX: usize = 32_768;

#[cfg(test)]
mod tests;
