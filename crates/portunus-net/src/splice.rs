//! Moving bytes from socket to socket inside the kernel.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use rustix::pipe::{PipeFlags, SpliceFlags};
use tokio::io::Interest;

use crate::Io;

/// A pipe that bytes pass through on their way.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
    /// How many its worker has open.
    open: Rc<Cell<usize>>,
}

/// Recycled pipes of one worker.
#[derive(Debug, Default)]
pub struct Pipes {
    free: RefCell<Vec<Pipe>>,
    open: Rc<Cell<usize>>,
}

/// Which side failed.
#[derive(Debug)]
pub enum SpliceError {
    /// Reading; an end before the promised length is `UnexpectedEof`.
    From(io::Error),
    /// Writing.
    To(io::Error),
}

impl Pipes {
    /// An empty pipe. None where as many are open as may be, or no file descriptors are left: bytes are to be copied then.
    #[must_use]
    pub fn take(&self) -> Option<Pipe> {
        if let Some(pipe) = self.free.borrow_mut().pop() {
            return Some(pipe);
        }
        (self.open.get() < OPEN_MAX).then(|| Pipe::open(&self.open).ok()).flatten()
    }

    /// Gives a pipe back; one with bytes in it is closed instead.
    pub fn give(&self, pipe: Pipe) {
        let mut free = self.free.borrow_mut();
        if pipe.held == 0 && free.len() < FREE_MAX {
            free.push(pipe);
        }
    }
}

impl Pipe {
    fn open(open: &Rc<Cell<usize>>) -> io::Result<Self> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // The system may refuse: the default of 64 KiB is right too, only with more calls.
        let _ = rustix::pipe::fcntl_setpipe_size(&write, PIPE_BYTES);
        open.set(open.get() + 1);
        Ok(Self { read, write, held: 0, open: Rc::clone(open) })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}

/// The moving of one body: [`Splice::fill`] and [`Splice::drain`] in turns until all is done.
#[derive(Debug)]
pub struct Splice<'a> {
    /// Where bytes come from.
    pub from: &'a Io,
    /// Where they go.
    pub to: &'a Io,
    /// What they pass through.
    pub pipe: &'a mut Pipe,
    /// Bytes still to read.
    pub left: u64,
}

impl Splice<'_> {
    /// Waits until the pipe holds something; false when all was moved.
    ///
    /// # Errors
    /// See [`SpliceError`].
    pub async fn fill(&mut self) -> Result<bool, SpliceError> {
        tokio::task::coop::consume_budget().await;
        if self.pipe.held > 0 {
            return Ok(true);
        }
        if self.left == 0 {
            return Ok(false);
        }
        let call = || self.fill_now();
        match transfer(self.from, Interest::READABLE, call).await.map_err(SpliceError::From)? {
            0 => Err(SpliceError::From(io::ErrorKind::UnexpectedEof.into())),
            moved => {
                self.filled(moved);
                Ok(true)
            }
        }
    }

    /// Waits until `to` has taken something of what the pipe holds: the bytes.
    ///
    /// # Errors
    /// See [`SpliceError`].
    pub async fn drain(&mut self) -> Result<u64, SpliceError> {
        let held = self.pipe.held;
        let moved = transfer(self.to, Interest::WRITABLE, || {
            rustix::pipe::splice(self.pipe.read.as_fd(), None, self.to.fd(), None, held, flags())
        });
        let moved = moved.await.map_err(SpliceError::To)?;
        self.pipe.held -= moved;
        Ok(moved as u64)
    }

    /// Moves what is there now, however little, and waits until `to` has taken it: the bytes, 0 at the end of the
    /// stream, None when nothing is there. The pipe is empty again after it, so that it can serve others while
    /// nothing comes.
    ///
    /// # Errors
    /// See [`SpliceError`].
    pub async fn burst(&mut self) -> Result<Option<u64>, SpliceError> {
        tokio::task::coop::consume_budget().await;
        let moved = match self.from.attempt(Interest::READABLE, || Ok(self.fill_now()?)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            moved => moved.map_err(SpliceError::From)?,
        };
        self.filled(moved);
        while self.pipe.held > 0 {
            self.drain().await?;
        }
        Ok(Some(moved as u64))
    }

    fn fill_now(&self) -> rustix::io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(PIPE_BYTES).min(PIPE_BYTES);
        rustix::pipe::splice(self.from.fd(), None, self.pipe.write.as_fd(), None, want, flags())
    }

    fn filled(&mut self, moved: usize) {
        self.pipe.held = moved;
        self.left -= moved as u64;
    }
}

async fn transfer(
    io: &Io,
    interest: Interest,
    call: impl Fn() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match io.attempt(interest, || Ok(call()?)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => io.wait(interest).await?,
            done => return done,
        }
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::NONBLOCK | SpliceFlags::MOVE
}

/// Room of a pipe, in bytes.
const PIPE_BYTES: usize = 256 * 1024;
/// The most unused pipes of a worker.
const FREE_MAX: usize = 32;
/// The most pipes of a worker: each takes two file descriptors, and the system gives a user 64 MiB of room in pipes before it
/// makes them small (`fs.pipe-user-pages-soft`).
const OPEN_MAX: usize = 256;

#[cfg(test)]
mod tests;
