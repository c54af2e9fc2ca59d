//! [`Io`] as the runtime's own traits want it, for protocol libraries.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use crate::Io;

/// A socket for a library that reads and writes by itself. What was read of it before comes first.
#[derive(Debug)]
pub struct IoStream {
    io: Io,
    early: Vec<u8>,
}

impl IoStream {
    /// A stream over `io`; `early` was read from it already.
    #[must_use]
    pub fn new(io: Io, early: Vec<u8>) -> Self {
        Self { io, early }
    }

    /// The socket.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.io
    }

    fn take_early(&mut self, buf: &mut ReadBuf<'_>) {
        let (now, later) = self.early.split_at(self.early.len().min(buf.remaining()));
        buf.put_slice(now);
        // A new vector: none when nothing is left.
        self.early = later.to_vec();
    }
}

impl AsyncRead for IoStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.early.is_empty() {
            this.take_early(buf);
            return Poll::Ready(Ok(()));
        }
        match &mut this.io {
            Io::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Io::Layered(_) if buf.remaining() == 0 => Poll::Ready(Ok(())),
            Io::Layered(layer) => loop {
                // As with sockets: one that is always ready must not keep its worker from all others.
                let budget = ready!(poll_proceed(cx));
                let read = layer.try_read_buf(buf);
                budget.made_progress();
                match read {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(layer.poll_readable(cx))?;
                    }
                    done => return Poll::Ready(done.map(drop)),
                }
            },
        }
    }
}

impl AsyncWrite for IoStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.io.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.io.poll_writable(cx))?;
                }
                done => return Poll::Ready(done),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.io.poll_flush(cx))?;
        self.io.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
