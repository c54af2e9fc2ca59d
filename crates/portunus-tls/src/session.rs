//! An established or beginning session over a socket.
//!
//! Nothing is held between events but the keys: bytes come from the socket into working memory of the thread, are
//! decrypted there and copied once to whoever reads. What is written is encrypted there and sent at once. Only a
//! record that has come in part, and what the socket did not take, is kept.

mod state;
mod step;

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll, ready};

use portunus_net::{Io, Layer};
use tokio::io::ReadBuf;

pub(crate) use self::state::{Progress, Side};
use self::state::{Sink, State};
use crate::TlsError;

/// A socket under TLS.
pub(crate) struct Session {
    socket: Io,
    state: RefCell<State>,
}

impl Session {
    pub(crate) fn new(socket: Io, side: Side) -> Self {
        Self { socket, state: RefCell::new(State::new(side)) }
    }

    pub(crate) fn with_side<R>(&self, look: impl FnOnce(&Side) -> R) -> R {
        look(self.state.borrow().side())
    }

    /// Takes bytes of the handshake in, and computes the next step. An alert that says why it failed is left to be
    /// sent.
    pub(crate) fn shake(&self, bytes: &[u8]) -> Result<Progress, TlsError> {
        self.state.borrow_mut().shake(bytes)
    }

    /// Sends what the handshake left to be sent.
    pub(crate) async fn send(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends what the socket takes at once; for farewells.
    pub(crate) fn send_now(&self) {
        let _ = self.state.borrow_mut().push(&self.socket);
    }

    fn read_into(&self, sink: &mut dyn Sink) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        let read = state.read(&self.socket, sink);
        if matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock) {
            // There is no answer to wait for: the peer may be waiting for what we hold back.
            state.send_held_back(&self.socket);
        }
        read
    }
}

impl Layer for Session {
    fn socket(&self) -> &Io {
        &self.socket
    }

    fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.read_into(buf)
    }

    fn try_read_buf(&self, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        self.read_into(buf)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state.borrow_mut();
        if state.is_readable() {
            return Poll::Ready(Ok(()));
        }
        state.send_held_back(&self.socket);
        let holds_back = state.holds_back();
        drop(state);
        if holds_back {
            // It goes out as soon as the socket takes it. Nobody else waits for that: who writes, sends it before.
            let _ = self.poll_flush(cx);
        }
        self.socket.poll_readable(cx)
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.state.borrow_mut().write(&self.socket, bytes)
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let pushed = self.state.borrow_mut().push(&self.socket);
            match pushed {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_writable(cx))?;
                }
                done => return Poll::Ready(done),
            }
        }
    }

    fn shutdown_write(&self) {
        let mut state = self.state.borrow_mut();
        state.farewell();
        let _ = state.push(&self.socket);
        drop(state);
        self.socket.shutdown_write();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.state.borrow().held();
        f.debug_struct("Session")
            .field("socket", &self.socket)
            .field("held", &held)
            .finish_non_exhaustive()
    }
}
