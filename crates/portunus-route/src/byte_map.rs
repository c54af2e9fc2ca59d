//! A hash map from bytes with a cheap hash.
//!
//! The keys come from the configuration, so nobody can choose them to collide; a client only looks
//! up.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use portunus_base::{hash_bytes, hash_pair};

/// A map from byte strings.
pub(crate) type ByteMap<T> = HashMap<Box<[u8]>, T, BuildHasherDefault<ByteHasher>>;

#[derive(Default)]
pub(crate) struct ByteHasher(u64);

impl Hasher for ByteHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_pair(self.0, hash_bytes(bytes));
    }

    /// The length of a slice comes this way; [`hash_bytes`] has it already.
    fn write_usize(&mut self, _len: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
