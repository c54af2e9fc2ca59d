//! How many at once: permits by key.

use std::sync::Arc;

use crate::table::{KEEP, Table};

/// The permits that many keys hold.
#[derive(Debug)]
pub struct Concurrency {
    table: Table,
}

/// What became of a request for a permit.
#[derive(Debug)]
pub enum Acquired {
    /// It may go on for as long as it holds this, if it holds one at all: where all places that the key may have are
    /// held by others, it goes on uncounted.
    Allowed(Option<Permit>),
    /// The key holds as many as it may.
    Refused,
}

/// Counts for its key until it is dropped.
#[derive(Debug)]
pub struct Permit {
    permits: Arc<Concurrency>,
    key: u64,
}

impl Concurrency {
    /// Permits of about `keys_max` keys at once; 32 bytes a key.
    #[must_use]
    pub fn new(keys_max: usize) -> Self {
        Self { table: Table::new(keys_max) }
    }

    /// A permit, if the key holds fewer than `max`. `key` is a hash that clients cannot choose.
    #[must_use]
    pub fn acquire(self: &Arc<Self>, key: u64, max: u32) -> Acquired {
        let step = |word: u64| {
            let fits = held(word) < max;
            (if fits { word_of(key, held(word) + 1) } else { word }, fits)
        };
        match self.table.update(key, loss, step) {
            Some(true) => Acquired::Allowed(Some(Permit { permits: Arc::clone(self), key })),
            Some(false) => Acquired::Refused,
            None => Acquired::Allowed(None),
        }
    }

    /// How many a key holds.
    #[must_use]
    pub fn held(&self, key: u64) -> u32 {
        held(self.table.word(key))
    }

    /// Keys that hold permits.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.table.words().filter(|(_, word)| held(*word) > 0).count()
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let step = |word: u64| {
            let left = held(word).saturating_sub(1);
            (if word == 0 { 0 } else { word_of(self.key, left) }, ())
        };
        let _ = self.permits.table.update(self.key, loss, step);
    }
}

/// The count, and a part of the key: so a word never looks the same for two keys, and that of a key which holds nothing
/// never looks as if nobody had written it.
fn word_of(key: u64, held: u32) -> u64 {
    ((key & (u64::MAX >> 1)) >> 32 | 1) << 32 | u64::from(held)
}

fn held(word: u64) -> u32 {
    word as u32
}

/// A key that holds a permit must not be forgotten.
fn loss(word: u64) -> u64 {
    if held(word) == 0 { 0 } else { KEEP }
}

#[cfg(test)]
mod tests;
