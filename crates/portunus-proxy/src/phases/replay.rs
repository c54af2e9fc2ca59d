//! What went out of a request's body, kept for the case that it has to go out once more.

use std::cell::{Cell, RefCell};
use std::io;

use portunus_upstream::RequestSink;

/// The body of a request so far, where it is small enough to be kept.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    bytes: RefCell<Vec<u8>>,
    lost: Cell<bool>,
}

impl Replay {
    /// A part of the body was taken from the client and is not here: there is no second try.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.get()
    }

    /// Notes that a piece is being worked on; until it is kept, it counts as lost.
    pub(crate) fn hold(&self) -> Held<'_> {
        Held { replay: self, was_lost: self.lost.replace(true) }
    }

    /// Sends what an attempt before had sent, and shows it to `see`.
    pub(crate) async fn again<S: RequestSink>(
        &self,
        sink: &mut S,
        see: impl FnOnce(&[u8]),
    ) -> io::Result<()> {
        let held = self.hold();
        let bytes = self.bytes.take();
        see(&bytes);
        let sent = sink.body(&bytes).await;
        *self.bytes.borrow_mut() = bytes;
        held.release();
        sent
    }
}

/// A piece that is neither sent nor kept yet.
pub(crate) struct Held<'r> {
    replay: &'r Replay,
    was_lost: bool,
}

impl Held<'_> {
    /// Keeps the piece as it is sent, as far as there is room for it.
    pub(crate) fn keep(self, piece: &[u8]) {
        let mut bytes = self.replay.bytes.borrow_mut();
        if !self.was_lost && bytes.len() + piece.len() <= KEPT_BYTES_MAX {
            bytes.extend_from_slice(piece);
            self.release();
        } else {
            *bytes = Vec::new();
        }
    }

    fn release(&self) {
        self.replay.lost.set(self.was_lost);
    }
}

/// Bodies up to this size can be sent once more.
const KEPT_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
