//! One connected socket: TCP or Unix, owned by one worker's runtime.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rustix::ioctl::{Getter, Opcode, ioctl};
use tokio::io::{Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket that no runtime knows yet: may still move to another worker.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
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
    /// A socket under a layer that changes its bytes: TLS.
    Layered(Box<dyn Layer>),
}

/// A protocol between a socket and those who use it. The same rules as those of [`Io`]: try first, `&self`.
pub trait Layer: fmt::Debug {
    /// The socket below.
    fn socket(&self) -> &Io;

    /// Appends what is there to `buf`, within its spare room, which is not 0. 0 is the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; `UnexpectedEof` when the peer ended the socket but not the layer.
    fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize>;

    /// As [`Layer::try_read`], for buffers of the runtime. Made of it where a layer has nothing better.
    ///
    /// # Errors
    /// See [`Layer::try_read`].
    fn try_read_buf(&self, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
        let mut bytes = Vec::new();
        bytes.reserve_exact(buf.remaining());
        let read = self.try_read(&mut bytes)?;
        buf.put_slice(&bytes);
        Ok(read)
    }

    /// Ready when [`Layer::try_read`] may give something. True of bytes that the layer holds already, too.
    ///
    /// # Errors
    /// What the socket says.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Takes bytes; what the socket does not take at once, the layer keeps for [`Layer::poll_flush`]. Takes no more
    /// while it keeps something.
    ///
    /// # Errors
    /// `WouldBlock` when nothing was taken; what the socket says otherwise.
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ready when the layer keeps nothing any more.
    ///
    /// # Errors
    /// What the socket says.
    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Tells the peer that nothing more will come, as far as the socket takes it at once.
    fn shutdown_write(&self);
}

macro_rules! either {
    ($self:expr, $stream:ident => $body:expr) => {
        either!($self, $stream => $body, layer => either!(layer.socket(), $stream => $body, _layer =>
            unreachable!("a layer stands on a socket, not on a layer")))
    };
    ($self:expr, $stream:ident => $body:expr, $layer:ident => $layered:expr) => {
        match $self {
            Io::Tcp($stream) => $body,
            Io::Unix($stream) => $body,
            Io::Layered($layer) => $layered,
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
        let read =
            either!(self, stream => stream.try_read_buf(buf), layer => return layer.try_read(buf))?;
        if 0 < read && read < room {
            self.drained();
        }
        Ok(read)
    }

    /// As [`Io::try_read`], into a buffer that is not empty. Gives how much of it was filled.
    ///
    /// # Errors
    /// See [`Io::try_read`].
    pub fn try_read_slice(&self, buf: &mut [u8]) -> io::Result<usize> {
        let read = either!(self, stream => stream.try_read(buf), layer => {
            return layer.try_read_buf(&mut ReadBuf::new(buf));
        })?;
        if 0 < read && read < buf.len() {
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
        either!(self, stream => stream.poll_read_ready(cx), layer => layer.poll_readable(cx))
    }

    async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_writable(cx)).await
    }

    /// Ready when a write may take something.
    ///
    /// # Errors
    /// What the runtime says.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(cx), layer => layer.poll_flush(cx))
    }

    /// Writes what fits; what a layer keeps of it still needs [`Io::poll_flush`].
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits; what the socket says otherwise.
    pub fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.try_write_vectored(bytes), layer => layer.try_write(bytes))
    }

    /// Ready when everything that was written has reached the socket.
    ///
    /// # Errors
    /// What the socket says.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Layered(layer) => layer.poll_flush(cx),
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
        }
    }

    async fn flush(&self) -> io::Result<()> {
        match self {
            Self::Layered(layer) => poll_fn(|cx| layer.poll_flush(cx)).await,
            Self::Tcp(_) | Self::Unix(_) => Ok(()),
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_all_noting(bytes, |_| {}).await
    }

    /// As [`Io::write_all`]. `note` is told of all bytes as the socket takes them.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_all_noting(&self, mut bytes: &[u8], note: impl Fn(usize)) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = either!(self, stream => stream.try_write(bytes), layer =>
                layer.try_write(&[IoSlice::new(bytes)]));
            match written {
                Ok(written) => {
                    note(written);
                    bytes = bytes.get(written..).unwrap_or(&[]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.flush().await
    }

    /// Writes all of both, in one system call where the socket takes them. `note` is told of all bytes as the socket
    /// takes them.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_both(
        &self,
        first: &[u8],
        second: &[u8],
        note: impl Fn(usize),
    ) -> io::Result<()> {
        let mut done = 0;
        while done < first.len() {
            let slices = [IoSlice::new(first.get(done..).unwrap_or(&[])), IoSlice::new(second)];
            match self.try_write(&slices) {
                Ok(written) => {
                    note(written);
                    done += written;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error),
            }
        }
        self.write_all_noting(second.get(done - first.len()..).unwrap_or(&[]), note).await
    }

    /// True when an idle connection is no longer good: the peer closed, or sent something unasked. Costs no system
    /// call while the runtime has seen no event.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let read = self.try_read_slice(&mut [0u8; 1]);
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// True when the peer has reset the connection. A system call: ask only when something has happened.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        let error = either!(self, stream => stream.take_error());
        !matches!(error, Ok(None))
    }

    /// True when the peer has said that nothing more will come, as a peer does that is gone; one that only reads from
    /// then on says the same. Under a layer it shows only where it came together with the layer's own end. A system
    /// call: ask only when something has happened.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        either!(self, stream => {
            // A look that finds nothing lets the runtime tell of what happens next.
            let peek = || socket2::SockRef::from(stream).peek(&mut byte);
            let nothing_left = matches!(stream.try_io(Interest::READABLE, peek), Ok(0));
            let ready = pin!(stream.ready(Interest::READABLE));
            let ready = ready.poll(&mut Context::from_waker(Waker::noop()));
            nothing_left || matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
        })
    }

    /// Bytes that were written and that the peer has not taken yet: the system holds them, or they are on their way. What
    /// a layer keeps is not counted. A system call.
    #[must_use]
    pub fn queued(&self) -> u64 {
        // SAFETY: the system writes an int for this request.
        #[expect(unsafe_code, reason = "no library has a safe call of it")]
        let ask = unsafe { Getter::<{ TIOCOUTQ }, i32>::new() };
        // SAFETY: as above; a socket that does not know the request says so.
        #[expect(unsafe_code, reason = "no library has a safe call of it")]
        let queued = unsafe { ioctl(self.fd(), ask) };
        queued.map_or(0, |bytes| u64::try_from(bytes).unwrap_or(0))
    }

    /// Tells the peer that nothing more will come.
    pub fn shutdown_write(&self) {
        // A peer that is gone already needs no telling.
        let _ = either!(self, stream => socket2::SockRef::from(stream).shutdown(Shutdown::Write), layer => {
            layer.shutdown_write();
            Ok(())
        });
    }

    /// Makes the close a reset: for connections whose peer must notice that its answer is cut.
    pub fn reset_on_close(&self) {
        match self {
            // Where it fails, the peer still sees a close before the promised length.
            Self::Tcp(stream) => {
                let linger = Some(std::time::Duration::ZERO);
                let _ = socket2::SockRef::from(stream).set_linger(linger);
            }
            Self::Unix(_) => {}
            Self::Layered(layer) => layer.socket().reset_on_close(),
        }
    }

    /// True of a socket whose bytes are those that its users see.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Layered(_))
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
            Self::Layered(layer) => layer.socket().addresses(),
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

/// Asks for what is still to be taken (`tcp(7)`, where it has the name `SIOCOUTQ`).
const TIOCOUTQ: Opcode = 0x5411;
