//! A connection over TCP, a Unix socket or TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::SockRef;

use crate::DEADLINE;
use crate::tls::{Secure, TlsFacts};

/// A connection. Nothing on it takes longer than [`DEADLINE`].
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<Secure>),
}

impl Stream {
    /// Connects to `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        let stream = match address.strip_prefix("unix:") {
            Some(path) => Self::Unix(UnixStream::connect(path)?),
            None => Self::Tcp(TcpStream::connect(address)?),
        };
        stream.prepare()
    }

    pub(crate) fn accepted(stream: TcpStream) -> io::Result<Self> {
        Self::Tcp(stream).prepare()
    }

    fn prepare(mut self) -> io::Result<Self> {
        if let Self::Tcp(stream) = &self {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(DEADLINE))?;
        }
        self.read_timeout(DEADLINE)?;
        Ok(self)
    }

    pub(crate) fn read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(timeout)),
            Self::Unix(stream) => stream.set_read_timeout(Some(timeout)),
            Self::Tls(stream) => {
                stream.read_timeout(timeout);
                Ok(())
            }
        }
    }

    /// What TLS agreed on, if there is TLS.
    pub(crate) fn tls(&self) -> Option<&TlsFacts> {
        match self {
            Self::Tls(stream) => Some(stream.facts()),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }

    /// The socket, if it is one of TCP.
    pub(crate) fn tcp(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Tcp(stream) => Some(SockRef::from(stream)),
            Self::Tls(stream) => Some(stream.tcp()),
            Self::Unix(_) => None,
        }
    }

    pub(crate) fn shutdown(&mut self, how: Shutdown) {
        // It fails where the other side was quicker; then there is nothing left to close.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tls(stream) => {
                stream.shutdown(how);
                Ok(())
            }
        };
    }

    /// Says the end where a plain close would not: in TLS.
    pub(crate) fn say_end(&mut self) {
        if let Self::Tls(stream) = self {
            stream.shutdown(Shutdown::Write);
        }
    }

    /// Makes the close a reset instead of an end.
    pub(crate) fn reset_on_close(&self) {
        if let Some(socket) = self.tcp() {
            socket.set_linger(Some(Duration::ZERO)).expect("a socket takes SO_LINGER");
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.flush(),
            Self::Tcp(_) | Self::Unix(_) => Ok(()),
        }
    }
}
