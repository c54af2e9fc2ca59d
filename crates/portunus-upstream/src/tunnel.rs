//! The ends of a tunnel: bytes without messages, over a socket.

use std::io;

use portunus_net::{Buffers, Io};

/// Bytes out of one end.
#[expect(async_fn_in_trait, reason = "nothing of a worker is ever sent to another thread")]
pub trait TunnelSource {
    /// Waits for the next bytes; none at the end. Holds no memory while it waits.
    ///
    /// # Errors
    /// The end broke off.
    async fn piece(&mut self) -> io::Result<&[u8]>;
}

/// Bytes into one end.
#[expect(async_fn_in_trait, reason = "nothing of a worker is ever sent to another thread")]
pub trait TunnelSink {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// The end broke off.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Tells the end that nothing more will come.
    ///
    /// # Errors
    /// The end broke off.
    async fn shutdown(&mut self) -> io::Result<()>;
}

/// Bytes from a socket, and before them those that were read of it already.
#[derive(Debug)]
pub struct IoSource<'t> {
    io: &'t Io,
    early: &'t [u8],
    buffers: &'t Buffers,
    /// What the last piece stands in.
    held: Option<Vec<u8>>,
}

/// Bytes to a socket.
#[derive(Debug)]
pub struct IoSink<'t> {
    io: &'t Io,
}

impl<'t> IoSource<'t> {
    /// Bytes from `io`, after `early`.
    #[must_use]
    pub fn new(io: &'t Io, early: &'t [u8], buffers: &'t Buffers) -> Self {
        Self { io, early, buffers, held: None }
    }

    fn release(&mut self) {
        self.held.take().into_iter().for_each(|buffer| self.buffers.give(buffer));
    }
}

impl TunnelSource for IoSource<'_> {
    async fn piece(&mut self) -> io::Result<&[u8]> {
        self.release();
        if !self.early.is_empty() {
            return Ok(std::mem::take(&mut self.early));
        }
        loop {
            tokio::task::coop::consume_budget().await;
            self.io.readable().await?;
            let buffer = self.held.insert(self.buffers.take());
            match self.io.try_read(buffer) {
                Ok(_) => return Ok(self.held.as_deref().unwrap_or(&[])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.release(),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for IoSource<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<'t> IoSink<'t> {
    /// Bytes to `io`.
    #[must_use]
    pub fn new(io: &'t Io) -> Self {
        Self { io }
    }
}

impl TunnelSink for IoSink<'_> {
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        self.io.shutdown_write();
        Ok(())
    }
}
