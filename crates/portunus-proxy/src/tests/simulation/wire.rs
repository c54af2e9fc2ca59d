//! Connections in memory: bytes come in pieces of any size, waits end for nothing, and either end may break.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use portunus_base::Rng;
use portunus_net::{Io, Layer, Socket};

/// The randomness of one run: all that happens in it follows from its seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(Rc<RefCell<Rng>>);

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Rng::seeded(seed))))
    }

    pub(super) fn below(&self, bound: usize) -> usize {
        self.0.borrow_mut().below(bound)
    }

    pub(super) fn chance(&self, share: f64) -> bool {
        self.0.borrow_mut().chance(share)
    }

    /// One of them.
    pub(super) fn one_of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// How long a body is.
    pub(super) fn length(&self) -> usize {
        self.below(self.one_of(&[1, 20, 2_000, 40_000]))
    }

    /// Up to `most`, and small ones often: those are where the corners are.
    fn piece(&self, most: usize) -> usize {
        if self.chance(0.2) { 1 + self.below(most.min(16)) } else { most }
    }
}

/// One end of a connection. Dropping it closes it; as with sockets, unread bytes make that a reset.
#[derive(Debug)]
pub(super) struct End {
    read: Rc<Way>,
    write: Rc<Way>,
    dice: Dice,
}

/// The bytes that go one way.
#[derive(Debug, Default)]
struct Way {
    bytes: RefCell<VecDeque<u8>>,
    ended: Cell<bool>,
    /// The connection is reset: nothing more is read, nothing more is taken.
    reset: Cell<bool>,
    /// The reader has closed its end.
    unread: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    writer: RefCell<Option<Waker>>,
}

/// A connection.
pub(super) fn wire(dice: &Dice) -> (End, End) {
    let (there, back) = (Rc::new(Way::default()), Rc::new(Way::default()));
    let dice = || dice.clone();
    let near = End { read: Rc::clone(&back), write: Rc::clone(&there), dice: dice() };
    (near, End { read: there, write: back, dice: dice() })
}

impl End {
    fn try_read(&self, room: usize) -> io::Result<Vec<u8>> {
        let way = &self.read;
        if way.reset.get() {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let mut bytes = way.bytes.borrow_mut();
        if bytes.is_empty() {
            let is_over = way.ended.get();
            return if is_over { Ok(Vec::new()) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let piece = self.dice.piece(bytes.len().min(room));
        let piece = bytes.drain(..piece).collect();
        wake(&way.writer);
        Ok(piece)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let way = &self.write;
        if way.reset.get() || way.unread.get() || way.ended.get() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let room = WAY_BYTES.saturating_sub(way.bytes.borrow().len());
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let piece = &bytes[..self.dice.piece(room.min(bytes.len()))];
        way.bytes.borrow_mut().extend(piece);
        wake(&way.reader);
        Ok(piece.len())
    }

    fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        let way = &self.read;
        let is_ready = way.reset.get() || way.ended.get() || !way.bytes.borrow().is_empty();
        self.ready(is_ready, &way.reader, cx)
    }

    fn poll_writable(&self, cx: &Context<'_>) -> Poll<()> {
        let way = &self.write;
        let is_broken = way.reset.get() || way.unread.get() || way.ended.get();
        let is_ready = is_broken || way.bytes.borrow().len() < WAY_BYTES;
        self.ready(is_ready, &way.writer, cx)
    }

    /// Now and then a wait ends although there is nothing.
    fn ready(&self, is_ready: bool, place: &RefCell<Option<Waker>>, cx: &Context<'_>) -> Poll<()> {
        if is_ready || self.dice.chance(0.01) {
            return Poll::Ready(());
        }
        *place.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Reads what is there, or waits for it; nothing is the end of the stream.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        loop {
            match self.try_read(usize::MAX) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|cx| self.poll_readable(cx)).await;
                }
                done => return done,
            }
        }
    }

    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|cx| self.poll_writable(cx)).await;
                }
                written => bytes = &bytes[written?..],
            }
        }
        Ok(())
    }

    /// Waits until the peer has closed, and reads what it sends until then.
    pub(super) async fn until_closed(&self) {
        while self.read().await.is_ok_and(|piece| !piece.is_empty()) {}
    }

    /// The peer has closed.
    pub(super) fn is_closed(&self) -> bool {
        self.read.reset.get() || self.read.ended.get() || self.write.unread.get()
    }

    /// Resets the connection.
    pub(super) fn reset(&self) {
        for way in [&self.read, &self.write] {
            way.reset.set(true);
            wake(&way.reader);
            wake(&way.writer);
        }
    }

    fn end(&self) {
        self.write.ended.set(true);
        wake(&self.write.reader);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.read.bytes.borrow().is_empty() {
            self.reset();
        }
        self.end();
        self.read.unread.set(true);
        wake(&self.read.writer);
    }
}

fn wake(place: &RefCell<Option<Waker>>) {
    let waker = place.take();
    waker.into_iter().for_each(Waker::wake);
}

/// The end of a connection as the data path sees it.
#[derive(Debug)]
struct Simulated {
    end: End,
    /// What a layer must stand on; nobody is at its other end.
    below: Io,
}

/// Gives an end to the data path.
pub(super) fn io(end: End) -> Io {
    let (below, _) = std::os::unix::net::UnixStream::pair().unwrap();
    below.set_nonblocking(true).unwrap();
    let below = Io::adopt(Socket::Unix(below)).unwrap();
    Io::Layered(Box::new(Simulated { end, below }))
}

impl Layer for Simulated {
    fn socket(&self) -> &Io {
        &self.below
    }

    fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let piece = self.end.try_read(buf.capacity() - buf.len())?;
        buf.extend_from_slice(&piece);
        Ok(piece.len())
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end.poll_readable(cx).map(Ok)
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = bytes.iter().find(|slice| !slice.is_empty());
        first.map_or(Ok(0), |slice| self.end.try_write(slice))
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end.poll_writable(cx).map(Ok)
    }

    fn shutdown_write(&self) {
        self.end.end();
    }
}

/// What a connection holds in one direction.
const WAY_BYTES: usize = 16 * 1024;
