//! One HTTP/1 connection to an endpoint.

use std::time::Duration;

use portunus_base::Mono;
use portunus_net::Io;

use crate::counted::Counted;
use crate::pool::keep_until;
use crate::wire::ReadBuffer;

/// A connection to an endpoint. Counted in the endpoint's state for as long as it lives.
#[derive(Debug)]
pub struct ClientConn {
    /// The socket.
    pub io: Io,
    /// What was read from it; no memory while the connection is unused.
    pub read: ReadBuffer,
    /// It has served a request before.
    pub reused: bool,
    pub(crate) keep_until: Mono,
    counted: Counted,
}

impl ClientConn {
    /// An open connection.
    pub(crate) fn new(io: Io, counted: Counted) -> Self {
        Self { io, read: ReadBuffer::default(), reused: false, keep_until: Mono::NEVER, counted }
    }

    /// The key of its endpoint's pool.
    #[must_use]
    pub fn key(&self) -> u32 {
        self.counted.key()
    }

    /// Open connections to its endpoint, over all workers, this one included.
    #[must_use]
    pub fn siblings(&self) -> u32 {
        self.counted.siblings()
    }

    /// Ready for the pool.
    #[must_use]
    pub fn rest(mut self, now: Mono, idle_timeout: Duration) -> Self {
        self.keep_until = keep_until(now, idle_timeout);
        self.reused = true;
        self
    }

    /// True when the peer has closed, or said something unasked.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.io.is_stale()
    }

    /// True when no endpoint set holds its endpoint any more.
    pub(crate) fn is_orphan(&self) -> bool {
        self.counted.is_orphan()
    }

    /// Its two directions: the socket, and what was read from it.
    pub fn parts(&mut self) -> (&Io, &mut ReadBuffer) {
        (&self.io, &mut self.read)
    }
}
