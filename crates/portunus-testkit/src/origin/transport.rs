//! What an origin speaks below its answers.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::runtime::wait_at_most;
use crate::stream::Stream;
use crate::tls::{Secure, TlsServer};

/// What an origin speaks: HTTP/1 or HTTP/2, with or without TLS, after a PROXY header or not.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    tls: Option<Arc<ServerConfig>>,
    versions: Versions,
    has_proxy_header: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Versions {
    #[default]
    H1,
    H2,
    Both,
}

/// A connection that was accepted, up to where HTTP begins.
pub(super) struct Accepted {
    pub(super) stream: Stream,
    pub(super) is_h2: bool,
    pub(super) proxy_header: Option<Vec<u8>>,
}

impl Transport {
    /// HTTP/1.
    #[must_use]
    pub fn h1() -> Self {
        Self::default()
    }

    /// HTTP/2: by prior knowledge, or the only offer of ALPN.
    #[must_use]
    pub fn h2() -> Self {
        Self { versions: Versions::H2, ..Self::default() }
    }

    /// Both, as ALPN has it; HTTP/1 without TLS.
    #[must_use]
    pub fn both() -> Self {
        Self { versions: Versions::Both, ..Self::default() }
    }

    /// Over TLS.
    #[must_use]
    pub fn tls(mut self, tls: &TlsServer) -> Self {
        // Made once, so that sessions can go on from connection to connection.
        self.tls = Some(tls.config(self.alpn()));
        self
    }

    /// After a header of the PROXY protocol, which each connection must begin with.
    #[must_use]
    pub fn after_proxy_header(mut self) -> Self {
        self.has_proxy_header = true;
        self
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    fn alpn(&self) -> &'static [&'static str] {
        match self.versions {
            Versions::H1 => &["http/1.1"],
            Versions::H2 => &["h2"],
            Versions::Both => &["h2", "http/1.1"],
        }
    }

    /// Takes a connection up to where HTTP begins.
    pub(super) fn accept(&self, stream: TcpStream) -> io::Result<Accepted> {
        let proxy_header = match self.has_proxy_header {
            true => Some(read_proxy_header(&stream)?),
            false => None,
        };
        let Some(tls) = &self.tls else {
            let is_h2 = matches!(self.versions, Versions::H2);
            return Ok(Accepted { stream: Stream::accepted(stream)?, is_h2, proxy_header });
        };
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let acceptor = TlsAcceptor::from(Arc::clone(tls));
        let stream = wait_at_most(crate::DEADLINE, async {
            acceptor.accept(tokio::net::TcpStream::from_std(stream)?).await
        })?;
        let secure = Secure::new(stream.into());
        let is_h2 = secure.facts().alpn.as_deref() == Some("h2");
        Ok(Accepted { stream: Stream::Tls(Box::new(secure)), is_h2, proxy_header })
    }
}

/// Reads a header of version 1 (a line) or 2 (16 bytes and what they announce), and no byte more.
fn read_proxy_header(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    stream.set_read_timeout(Some(crate::DEADLINE))?;
    let mut head = vec![0; 16];
    stream.read_exact(&mut head)?;
    if head.starts_with(b"PROXY ") {
        while !head.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        return Ok(head);
    }
    assert!(head.starts_with(b"\r\n\r\n\0\r\nQUIT\n"), "no PROXY header: {head:?}");
    let length = head.iter().skip(14).fold(0, |length, byte| length * 256 + usize::from(*byte));
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest)?;
    head.extend(rest);
    Ok(head)
}
