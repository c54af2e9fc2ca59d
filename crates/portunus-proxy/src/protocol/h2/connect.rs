//! Extended CONNECT (RFC 8441): what HTTP/1 knows as an upgrade, and the stream as a tunnel after it.

use std::io;

use bytes::Bytes;
use portunus_h2::{Answer, H2Error, H2ErrorKind, H2Fault, Incoming};
use portunus_http::{HeaderId, RequestHead};
use portunus_upstream::{TunnelSink, TunnelSource};

/// Makes a request of an extended CONNECT the one that HTTP/1 has for the same purpose: the phases know one kind of
/// upgrade.
///
/// # Errors
/// It asks for another protocol than WebSocket.
pub(super) fn as_upgrade(head: &mut RequestHead, protocol: &str) -> Result<(), H2Fault> {
    if !protocol.eq_ignore_ascii_case("websocket") {
        return Err(H2Fault::Connect);
    }
    head.set_method(b"GET");
    head.headers.append_id(HeaderId::Connection, b"Upgrade");
    head.headers.append_id(HeaderId::Upgrade, b"websocket");
    Ok(())
}

/// Bytes out of a stream.
pub(super) struct StreamSource<'s> {
    incoming: &'s mut Incoming,
    piece: Bytes,
}

impl<'s> StreamSource<'s> {
    pub(super) fn new(incoming: &'s mut Incoming) -> Self {
        Self { incoming, piece: Bytes::new() }
    }
}

impl TunnelSource for StreamSource<'_> {
    async fn piece(&mut self) -> io::Result<&[u8]> {
        self.piece = self.incoming.next().await.map_err(broken)?;
        Ok(&self.piece)
    }
}

/// Bytes into a stream.
pub(super) struct StreamSink<'s> {
    answer: &'s mut Answer,
}

impl<'s> StreamSink<'s> {
    pub(super) fn new(answer: &'s mut Answer) -> Self {
        Self { answer }
    }
}

impl TunnelSink for StreamSink<'_> {
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.answer.body(bytes).await.map_err(broken)?;
        self.answer.flush().await.map_err(broken)
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        self.answer.end(None);
        self.answer.flush().await.map_err(broken)
    }
}

fn broken(error: H2Error) -> io::Error {
    match error.kind {
        H2ErrorKind::Io(kind) => kind.into(),
        _ => io::ErrorKind::ConnectionReset.into(),
    }
}
