//! One connected socket: TCP or Unix, owned by one worker's runtime.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// A connected socket that no runtime knows yet: may still move to another worker.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

/// A connected socket of this worker.
///
/// Reads and writes try first and wait only when the socket is not ready. Both take `&self`, so the two directions
/// of a relay need no split.
#[derive(Debug)]
pub enum Io {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

macro_rules! either {
    ($self:expr, $stream:ident => $body:expr) => {
        match $self {
            Io::Tcp($stream) => $body,
            Io::Unix($stream) => $body,
        }
    };
}

impl Io {
    /// Registers a socket with the calling worker's runtime.
    ///
    /// # Errors
    /// The runtime cannot watch one more socket.
    pub fn adopt(socket: Socket) -> io::Result<Self> {
        match socket {
            Socket::Tcp(stream) => TcpStream::from_std(stream).map(Self::Tcp),
            Socket::Unix(stream) => UnixStream::from_std(stream).map(Self::Unix),
        }
    }

    /// Appends what is there to `buf`, within its spare room. 0 is the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; what the socket says otherwise.
    pub fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let room = buf.capacity() - buf.len();
        let read = either!(self, stream => stream.try_read_buf(buf))?;
        if 0 < read && read < room {
            self.drained();
        }
        Ok(read)
    }

    /// A read that did not fill its room has emptied the socket. Telling the runtime saves the next reader a system
    /// call that could only say so; new bytes make a new event.
    fn drained(&self) {
        let nothing = || Err::<(), _>(ErrorKind::WouldBlock.into());
        let _ = self.attempt(Interest::READABLE, nothing);
    }

    /// As [`Io::try_read`], and waits until something is there.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        // A socket that is always ready must not keep its worker from all others.
        tokio::task::coop::consume_budget().await;
        loop {
            match self.try_read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable().await?,
                done => return done,
            }
        }
    }

    /// Waits until something can be read, or the stream has ended.
    ///
    /// # Errors
    /// What the runtime says.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_readable(cx)).await
    }

    /// See [`Io::readable`].
    ///
    /// # Errors
    /// What the runtime says.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| either!(self, stream => stream.poll_write_ready(cx))).await
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match either!(self, stream => stream.try_write(bytes)) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or(&[]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all of both, in one system call where the socket takes them.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_both(&self, first: &[u8], second: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < first.len() {
            let slices = [IoSlice::new(first.get(done..).unwrap_or(&[])), IoSlice::new(second)];
            match either!(self, stream => stream.try_write_vectored(&slices)) {
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.write_all(second.get(done - first.len()..).unwrap_or(&[])).await
    }

    /// True when an idle connection is no longer good: the peer closed, or sent something unasked. Costs no system
    /// call while the runtime has seen no event.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let mut byte = [0u8; 1];
        let read = either!(self, stream => stream.try_read(&mut byte));
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// True when the peer has reset the connection. A system call: ask only when something has happened.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        let error = either!(self, stream => stream.take_error());
        !matches!(error, Ok(None))
    }

    /// Tells the peer that nothing more will come.
    pub fn shutdown_write(&self) {
        // A peer that is gone already needs no telling.
        let _ = either!(self, stream => socket2::SockRef::from(stream).shutdown(Shutdown::Write));
    }

    /// Makes the close a reset: for connections whose peer must notice that its answer is cut.
    pub fn reset_on_close(&self) {
        if let Self::Tcp(stream) = self {
            // Where it fails, the peer still sees a close before the promised length.
            let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
        }
    }

    /// Both ends' addresses, ours first; unspecified for a Unix socket.
    #[must_use]
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        match self {
            Self::Tcp(stream) => {
                let (local, peer) = (stream.local_addr(), stream.peer_addr());
                (canonical(local.unwrap_or(nobody)), canonical(peer.unwrap_or(nobody)))
            }
            Self::Unix(_) => (nobody, nobody),
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        either!(self, stream => stream.as_fd())
    }

    /// Runs a system call of ours when the runtime holds the socket for ready.
    pub(crate) fn attempt<R>(
        &self,
        interest: Interest,
        call: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        either!(self, stream => stream.try_io(interest, call))
    }

    pub(crate) async fn wait(&self, interest: Interest) -> io::Result<()> {
        if interest.is_readable() { self.readable().await } else { self.writable().await }
    }
}

/// IPv4 addresses that a dual-stack socket shows as IPv6 are IPv4 to us.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
