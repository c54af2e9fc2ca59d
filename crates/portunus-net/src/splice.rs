//! Moving bytes from socket to socket inside the kernel.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::{PipeFlags, SpliceFlags};
use tokio::io::Interest;

use crate::Io;

/// A pipe that bytes pass through on their way.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
}

/// Recycled pipes of one worker.
#[derive(Debug, Default)]
pub struct Pipes {
    free: RefCell<Vec<Pipe>>,
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
    /// An empty pipe.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn take(&self) -> io::Result<Pipe> {
        match self.free.borrow_mut().pop() {
            Some(pipe) => Ok(pipe),
            None => Pipe::open(),
        }
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
    fn open() -> io::Result<Self> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // The system may refuse: the default of 64 KiB is right too, only with more calls.
        let _ = rustix::pipe::fcntl_setpipe_size(&write, PIPE_BYTES);
        Ok(Self { read, write, held: 0 })
    }
}

/// The moving of one body: [`Splice::step`] until it says that all is done.
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
    /// Moves what can be moved, waiting for one side where it must; bytes that reached `to`, 0 when all are there.
    ///
    /// # Errors
    /// See [`SpliceError`].
    pub async fn step(&mut self) -> Result<u64, SpliceError> {
        tokio::task::coop::consume_budget().await;
        if self.pipe.held == 0 {
            if self.left == 0 {
                return Ok(0);
            }
            self.fill().await.map_err(SpliceError::From)?;
        }
        self.drain().await.map_err(SpliceError::To)
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
            self.drain().await.map_err(SpliceError::To)?;
        }
        Ok(Some(moved as u64))
    }

    async fn fill(&mut self) -> io::Result<()> {
        match transfer(self.from, Interest::READABLE, || self.fill_now()).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            moved => {
                self.filled(moved);
                Ok(())
            }
        }
    }

    fn fill_now(&self) -> rustix::io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(PIPE_BYTES).min(PIPE_BYTES);
        rustix::pipe::splice(self.from.fd(), None, self.pipe.write.as_fd(), None, want, flags())
    }

    fn filled(&mut self, moved: usize) {
        self.pipe.held = moved;
        self.left -= moved as u64;
    }

    async fn drain(&mut self) -> io::Result<u64> {
        let held = self.pipe.held;
        let moved = transfer(self.to, Interest::WRITABLE, || {
            rustix::pipe::splice(self.pipe.read.as_fd(), None, self.to.fd(), None, held, flags())
        });
        let moved = moved.await?;
        self.pipe.held -= moved;
        Ok(moved as u64)
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

#[cfg(test)]
mod tests;
