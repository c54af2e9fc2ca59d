//! A TLS connection behind blocking reads and writes.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::TlsFacts;
use crate::DEADLINE;
use crate::runtime::wait_at_most;

/// A TLS connection whose handshake is over.
#[derive(Debug)]
pub(crate) struct Secure {
    stream: TlsStream<TcpStream>,
    read_timeout: Duration,
    facts: TlsFacts,
}

impl Secure {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        let (_, state) = stream.get_ref();
        let server_name = match &stream {
            TlsStream::Server(stream) => stream.get_ref().1.server_name(),
            TlsStream::Client(_) => None,
        };
        let facts = TlsFacts::of(state, server_name);
        Self { stream, read_timeout: DEADLINE, facts }
    }

    pub(crate) fn facts(&self) -> &TlsFacts {
        &self.facts
    }

    pub(crate) fn into_async(self) -> TlsStream<TcpStream> {
        self.stream
    }

    pub(crate) fn tcp(&self) -> SockRef<'_> {
        SockRef::from(self.stream.get_ref().0)
    }

    pub(crate) fn read_timeout(&mut self, timeout: Duration) {
        self.read_timeout = timeout;
    }

    /// Says the end in TLS, and then in TCP.
    pub(crate) fn shutdown(&mut self, how: Shutdown) {
        // It fails where the other side was quicker; then there is nothing left to close.
        if how != Shutdown::Read {
            let _ = wait_at_most(DEADLINE, self.stream.shutdown());
        }
        let _ = self.tcp().shutdown(how);
    }
}

impl Read for Secure {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait_at_most(self.read_timeout, self.stream.read(buffer))
    }
}

impl Write for Secure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is written goes out at once: tests mean it so.
        wait_at_most(DEADLINE, async {
            let count = self.stream.write(bytes).await?;
            self.stream.flush().await?;
            Ok(count)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        wait_at_most(DEADLINE, self.stream.flush())
    }
}
