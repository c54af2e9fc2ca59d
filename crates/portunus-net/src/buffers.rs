//! Recycled byte buffers of one worker. An idle connection holds none.

use std::cell::RefCell;

/// A pool of byte buffers.
#[derive(Debug, Default)]
pub struct Buffers {
    free: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An empty buffer with at least [`BUFFER_BYTES`] of room.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        let recycled = self.free.borrow_mut().pop();
        recycled.unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
    }

    /// Gives a buffer back. One that has grown, and more than `FREE_MAX` of them, go back to the allocator.
    pub fn give(&self, mut buffer: Vec<u8>) {
        let mut free = self.free.borrow_mut();
        let size = buffer.capacity();
        if free.len() < FREE_MAX && (BUFFER_BYTES..=2 * BUFFER_BYTES).contains(&size) {
            buffer.clear();
            free.push(buffer);
        }
    }

    /// Lets all unused buffers go: there is no memory to spare.
    pub fn clear(&self) {
        self.free.take();
    }

    /// Lets half of the unused buffers go: called now and then, so that a peak does not last.
    pub fn trim(&self) {
        let mut free = self.free.borrow_mut();
        let keep = free.len() / 2;
        free.truncate(keep);
    }
}

/// Room of a pooled buffer, in bytes.
pub const BUFFER_BYTES: usize = 16 * 1024;
/// The most unused buffers of a worker.
const FREE_MAX: usize = 256;

#[cfg(test)]
mod tests;
