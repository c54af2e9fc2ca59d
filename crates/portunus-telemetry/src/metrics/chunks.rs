//! A table that only grows, by chunks, so that a writer and a reader reach its cells without a lock.

use std::sync::OnceLock;

/// Chunk `n` holds `64 << n` cells; cells never move.
#[derive(Debug)]
pub(super) struct Chunks<T> {
    chunks: [OnceLock<Box<[T]>>; LEVELS],
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: [const { OnceLock::new() }; LEVELS] }
    }
}

impl<T: Default> Chunks<T> {
    /// The cell, if its chunk was ever written to.
    pub(super) fn cell(&self, index: u32) -> Option<&T> {
        let (level, offset) = place(index);
        self.chunks.get(level)?.get()?.get(offset)
    }

    /// The cell; its chunk is allocated on first use. Always there for the bounds of `u32`.
    #[inline]
    pub(super) fn cell_or_grow(&self, index: u32) -> Option<&T> {
        let (level, offset) = place(index);
        self.chunks.get(level)?.get_or_init(|| grow(level)).get(offset)
    }
}

#[cold]
fn grow<T: Default>(level: usize) -> Box<[T]> {
    std::iter::repeat_with(T::default).take((FIRST << level) as usize).collect()
}

/// The chunk of a cell, and its place in there.
#[inline]
fn place(index: u32) -> (usize, usize) {
    let shifted = u64::from(index) + FIRST;
    let level = shifted.ilog2() - FIRST.ilog2();
    (level as usize, (shifted - (FIRST << level)) as usize)
}

/// Cells of the first chunk.
const FIRST: u64 = 64;
/// Enough for each index of 32 bits.
const LEVELS: usize = 27;

#[cfg(test)]
mod tests;
