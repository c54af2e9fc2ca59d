//! The bytes of a connection, between the socket and `h2`.
//!
//! `h2` flushes after each DATA frame. Here frames are gathered until the connection has no more to do in this turn,
//! so that the answers of many streams leave in one write, and in one TLS record. What comes in is shown to the
//! [`FloodWatch`]. An idle connection holds no buffer.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use portunus_net::{BUFFER_BYTES, Buffers, Io};
use portunus_worker::Worker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::flood::FloodWatch;
use crate::{ErrorCode, FloodKind, H2Error, H2ErrorKind};

/// The end that `h2` holds.
#[derive(Debug)]
pub(crate) struct Wire {
    line: Rc<Line>,
}

/// A connection's socket with what is on its way.
#[derive(Debug)]
pub(crate) struct Line {
    io: Io,
    worker: Worker,
    watch: RefCell<FloodWatch>,
    read: RefCell<Gathered>,
    write: RefCell<Gathered>,
    flood: Cell<Option<FloodKind>>,
    /// The flood for which `h2` ends the connection.
    told: Cell<Option<FloodKind>>,
    /// Reads of the socket that this turn may still make.
    reads_left: Cell<u32>,
    /// Bytes that came in, and those that the socket took.
    received: Cell<u64>,
    written: Cell<u64>,
    /// Something is to be written, and the socket takes nothing now.
    blocked: Cell<bool>,
}

/// How the bytes of a connection move.
#[derive(Clone, Debug)]
pub struct Flow {
    line: Rc<Line>,
}

impl Flow {
    pub(crate) fn of(line: &Rc<Line>) -> Self {
        Self { line: Rc::clone(line) }
    }

    /// Bytes that came in.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.line.received.get()
    }

    /// Bytes that the peer has taken, as the system knows. A system call.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.line.written.get().saturating_sub(self.line.io.queued())
    }

    /// Something is to be written, and waits for the peer to take what was written before.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.line.blocked.get()
    }
}

/// Bytes on their way through; `start` of them are gone.
#[derive(Debug, Default)]
struct Gathered {
    bytes: Vec<u8>,
    start: usize,
}

impl Line {
    /// A line over `io`; `early` was read from it already.
    pub(crate) fn new(io: Io, early: Vec<u8>, mut watch: FloodWatch, worker: Worker) -> Rc<Self> {
        let flood = Cell::new(watch.received(&early, worker.now()));
        let read = RefCell::new(Gathered { bytes: early, start: 0 });
        let (watch, write) = (RefCell::new(watch), RefCell::default());
        let reads_left = Cell::new(READS_PER_TURN);
        let told = Cell::new(None);
        let (received, written) = (Cell::new(0), Cell::new(0));
        let blocked = Cell::new(false);
        Rc::new(Self {
            io,
            worker,
            watch,
            read,
            write,
            flood,
            told,
            reads_left,
            received,
            written,
            blocked,
        })
    }

    /// The end for `h2`.
    pub(crate) fn wire(self: &Rc<Self>) -> Wire {
        Wire { line: Rc::clone(self) }
    }

    /// The socket.
    pub(crate) fn io(&self) -> &Io {
        &self.io
    }

    /// The connection is about to be driven.
    pub(crate) fn begin_turn(&self) {
        self.reads_left.set(READS_PER_TURN);
    }

    /// The flood that the peer sends. Nothing more is read once there is one.
    pub(crate) fn flood(&self) -> Option<FloodKind> {
        self.flood.get()
    }

    /// Notes for which flood `h2` sends the peer away, if it does: it says so at the end of what it wrote.
    fn hear_farewell(&self) {
        let write = self.write.borrow();
        let end = write.rest().len().saturating_sub(FAREWELL_BYTES);
        self.told.set(FloodKind::told_by(write.rest().get(end..).unwrap_or(&[])));
    }

    /// What `h2` says of the end of the connection, with the flood that it was, if it was one.
    #[cold]
    pub(crate) fn explain(&self, error: &h2::Error) -> H2Error {
        let error = H2Error::of(error);
        match error.kind {
            H2ErrorKind::Protocol(ErrorCode::ENHANCE_YOUR_CALM) => {
                H2Error::new(H2ErrorKind::Flood(self.told.get().unwrap_or(FloodKind::Faults)))
            }
            _ => error,
        }
    }

    /// True once the peer has sent a GOAWAY.
    pub(crate) fn saw_goaway(&self) -> bool {
        self.watch.borrow().saw_goaway()
    }

    /// Writes what was gathered.
    pub(crate) fn poll_write_out(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let had_some = !self.write.borrow().is_empty();
        let polled = self.poll_write_gathered(cx);
        // With nothing to write, a plain socket says nothing of the frame that waits for it.
        if polled.is_pending() || had_some || !self.io.is_plain() {
            self.blocked.set(polled.is_pending());
        }
        polled
    }

    fn poll_write_gathered(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut write = self.write.borrow_mut();
        while !write.is_empty() {
            match self.io.try_write(&[IoSlice::new(write.rest())]) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(written) => {
                    self.written.set(self.written.get() + written as u64);
                    write.consume(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.io.poll_writable(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        drop(write);
        self.io.poll_flush(cx)
    }

    /// Gathers `slices`, or writes them at once where they are too large to gather.
    fn poll_gather(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|slice| slice.len()).sum::<usize>();
        if self.write.borrow().bytes.len() + bytes > BUFFER_BYTES {
            ready!(self.poll_write_out(cx))?;
        }
        if bytes <= BUFFER_BYTES {
            let mut write = self.write.borrow_mut();
            write.hold();
            slices.iter().for_each(|slice| write.bytes.extend_from_slice(slice));
            self.watch.borrow_mut().sent(bytes);
            return Poll::Ready(Ok(bytes));
        }
        loop {
            match self.io.try_write(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let polled = self.io.poll_writable(cx);
                    self.blocked.set(polled.is_pending());
                    ready!(polled)?;
                }
                Ok(written) => {
                    self.written.set(self.written.get() + written as u64);
                    self.watch.borrow_mut().sent(written);
                    return Poll::Ready(Ok(written));
                }
                failed => return Poll::Ready(failed),
            }
        }
    }

    /// Reads from the socket, when nothing is left of the read before.
    fn poll_fill(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut read = self.read.borrow_mut();
        if !read.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.flood.get().is_some() {
            return Poll::Pending;
        }
        // A peer that always has more must not keep the worker from all others.
        let Some(left) = self.reads_left.get().checked_sub(1) else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.reads_left.set(left);
        read.hold();
        loop {
            match self.io.try_read(&mut read.bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    read.release();
                    ready!(self.io.poll_readable(cx))?;
                    read.hold();
                }
                Ok(_) => break,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.received.set(self.received.get() + read.bytes.len() as u64);
        let flood = self.watch.borrow_mut().received(&read.bytes, self.worker.now());
        if flood.is_some() {
            // The frames behind the one too many are not looked at.
            read.release();
            self.flood.set(flood);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.read.get_mut().release();
        self.write.get_mut().release();
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or(&[])
    }

    /// So many bytes went on; an empty buffer goes back.
    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.is_empty() {
            self.release();
        }
    }

    fn hold(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = BUFFERS.with(Buffers::take);
        }
    }

    fn release(&mut self) {
        let Self { bytes, .. } = std::mem::take(self);
        // A thread that ends has no pool any more.
        let _ = BUFFERS.try_with(|buffers| buffers.give(bytes));
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.line.poll_fill(cx))?;
        let mut read = self.line.read.borrow_mut();
        let rest = read.rest();
        let taken = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..taken).unwrap_or(&[]));
        read.consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.poll_gather(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.poll_gather(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// `h2` asks for this to make room after each frame; the end of a turn is the time for it.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.hear_farewell();
        ready!(self.line.poll_write_out(cx))?;
        self.line.io.shutdown_write();
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    /// Buffers of this worker's connections: few are in use between turns.
    static BUFFERS: Buffers = Buffers::default();
}

/// Reads of the socket in one turn: 128 KiB, as much as eight streams get before others have theirs.
const READS_PER_TURN: u32 = 8;
/// A GOAWAY with the longest text of `h2` has no more bytes.
const FAREWELL_BYTES: usize = 64;
