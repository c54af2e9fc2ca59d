//! What is known of tokens that were checked before: one table a worker, bounded in entries and bytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use portunus_base::{Rng, Wall, hash_bytes, hash_pair};

/// Values by token. The oldest one that nobody asked for in the meantime goes first.
pub(crate) struct TokenCache<V> {
    seed: u64,
    index: HashMap<u64, u32, BuildHasherDefault<Ready>>,
    entries: Vec<Entry<V>>,
    /// Where the search for an entry to give up goes on.
    hand: usize,
    bytes: usize,
}

/// How much a cache may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheBounds {
    pub(crate) entries: usize,
    /// Bytes of the tokens themselves.
    pub(crate) bytes: usize,
}

impl CacheBounds {
    /// That many tokens of usual length.
    pub(crate) fn of_tokens(entries: usize) -> Self {
        Self { entries, bytes: entries.saturating_mul(TOKEN_BYTES_USUAL) }
    }
}

struct Entry<V> {
    hash: u64,
    token: Box<[u8]>,
    value: V,
    expires: Wall,
    was_used: bool,
}

impl<V> TokenCache<V> {
    /// The value of a token, unless it is over.
    pub(crate) fn find(&mut self, token: &[u8], now: Wall) -> Option<&V> {
        let at = *self.index.get(&self.hash(token))?;
        let entry = self.entries.get_mut(at as usize)?;
        if *entry.token != *token || entry.expires <= now {
            return None;
        }
        entry.was_used = true;
        Some(&entry.value)
    }

    /// Keeps a value until `expires`.
    pub(crate) fn keep(&mut self, token: &[u8], value: V, expires: Wall, bounds: CacheBounds) {
        if bounds.entries == 0 || token.len() > bounds.bytes {
            return;
        }
        let hash = self.hash(token);
        if let Some(at) = self.index.get(&hash) {
            self.remove(*at as usize);
        }
        while self.entries.len() >= bounds.entries || self.bytes + token.len() > bounds.bytes {
            self.give_up_one();
        }
        self.bytes += token.len();
        self.index.insert(hash, self.entries.len() as u32);
        self.entries.push(Entry { hash, token: token.into(), value, expires, was_used: false });
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.entries.clear();
        (self.hand, self.bytes) = (0, 0);
    }

    /// How many tokens are known.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Only the end is hashed: that of a signature or of a random text, which nobody can choose. The whole token is
    /// compared, so the worst that equal hashes do is to take each other's place.
    fn hash(&self, token: &[u8]) -> u64 {
        let end = token.get(token.len().saturating_sub(HASHED_BYTES)..).unwrap_or(token);
        hash_pair(self.seed, hash_bytes(end))
    }

    /// Gives up the first entry at the hand that was not used since the hand was there last.
    fn give_up_one(&mut self) {
        loop {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            match self.entries.get_mut(self.hand) {
                Some(entry) if entry.was_used => {
                    entry.was_used = false;
                    self.hand += 1;
                }
                Some(_) => return self.remove(self.hand),
                None => return,
            }
        }
    }

    fn remove(&mut self, at: usize) {
        if at >= self.entries.len() {
            return;
        }
        let gone = self.entries.swap_remove(at);
        self.index.remove(&gone.hash);
        self.bytes -= gone.token.len();
        if let Some(moved) = self.entries.get(at) {
            self.index.insert(moved.hash, at as u32);
        }
    }
}

impl<V> Default for TokenCache<V> {
    fn default() -> Self {
        let seed = Rng::from_system().u64();
        Self { seed, index: HashMap::default(), entries: Vec::new(), hand: 0, bytes: 0 }
    }
}

/// Keys that are hashes already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_bytes(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Tokens are rarely longer, in bytes.
const TOKEN_BYTES_USUAL: usize = 2048;

/// How much of a token's end is hashed.
const HASHED_BYTES: usize = 32;

#[cfg(test)]
mod tests;
