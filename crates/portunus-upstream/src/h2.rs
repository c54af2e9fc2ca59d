//! One exchange on a stream of an HTTP/2 connection to an endpoint.

use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_h2::{
    Client, ErrorCode, H2Error, H2ErrorKind, Incoming, Open, Outgoing, OutgoingHead, PendingAnswer,
};
use portunus_http::{Framing, HeaderId, HeaderList, Method, RequestHead, ResponseHead};
use portunus_net::Io;

use crate::{AnswerSource, RequestSink, Step, TunnelSink, TunnelSource, UpstreamStream};

/// One exchange on a connection that others use too.
#[derive(Debug)]
pub struct H2Stream {
    client: Client,
    secure: bool,
    sink: H2Sink,
    source: H2Source,
    /// Counts the stream as open.
    open: Option<Open>,
}

/// The request's way.
#[derive(Debug, Default)]
pub struct H2Sink {
    out: Option<Outgoing>,
    /// The stream is to become a tunnel: the end of the request is not its end.
    switches: bool,
}

/// The answer's way.
#[derive(Debug)]
pub struct H2Source {
    /// The connection has served before.
    reused: bool,
    /// The protocol that was asked for by an extended CONNECT.
    protocol: Option<Vec<u8>>,
    answer: Option<PendingAnswer>,
    body: Option<Incoming>,
    /// The piece that was taken last.
    piece: Bytes,
    /// It was not looked at yet.
    ready: bool,
}

impl H2Stream {
    /// A new exchange on the connection of `client`; `secure` where that is within TLS.
    #[must_use]
    pub fn new(client: Client, secure: bool, reused: bool) -> Self {
        let (answer, body, piece) = (None, None, Bytes::new());
        let source = H2Source { reused, protocol: None, answer, body, piece, ready: false };
        Self { client, secure, sink: H2Sink::default(), source, open: None }
    }
}

impl UpstreamStream for H2Stream {
    type Sink = H2Sink;
    type Source = H2Source;

    const REFUSES: bool = true;

    fn begin(
        &mut self,
        head: &RequestHead,
        framing: Framing,
        upgrade: Option<&[u8]>,
    ) -> Result<(), ProxyError> {
        let protocol = upgrade.map(protocol_of).transpose()?;
        let authority = head.headers.value_of(HeaderId::Host).unwrap_or_else(|| head.authority());
        let outgoing = OutgoingHead { head, secure: self.secure, authority, framing, protocol };
        let reused = self.source.reused;
        let stream = self.client.send(&outgoing).map_err(|error| failure(error, reused))?;
        self.sink = H2Sink { out: Some(stream.body), switches: protocol.is_some() };
        self.source.answer = Some(stream.answer);
        self.source.protocol = protocol.map(|protocol| protocol.as_bytes().to_vec());
        self.open = Some(stream.open);
        Ok(())
    }

    fn split(&mut self) -> (&mut H2Sink, &mut H2Source) {
        (&mut self.sink, &mut self.source)
    }

    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink) {
        (&mut self.source, &mut self.sink)
    }
}

/// An extended CONNECT names one protocol, not a list.
fn protocol_of(upgrade: &[u8]) -> Result<&str, ProxyError> {
    let one = std::str::from_utf8(upgrade).ok().filter(|one| !one.contains([',', ' ', '/']));
    one.ok_or(ProxyError::local(ErrorKind::UpgradeRefused))
}

impl RequestSink for H2Sink {
    async fn body(&mut self, piece: &[u8]) -> io::Result<()> {
        self.out()?.body(piece).await.map_err(broken)
    }

    fn end(&mut self, trailers: Option<&HeaderList>) {
        if !self.switches {
            self.out.iter_mut().for_each(|out| out.end(trailers));
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.out()?.flush().await.map_err(broken)
    }

    fn finish(&mut self) {}
}

impl H2Sink {
    fn out(&mut self) -> io::Result<&mut Outgoing> {
        self.out.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl TunnelSink for &mut H2Sink {
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body(bytes).await?;
        self.flush().await
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        self.out()?.end(None);
        self.flush().await
    }
}

impl AnswerSource for H2Source {
    async fn head(&mut self, head: &mut ResponseHead) -> Result<(), ProxyError> {
        let reused = self.reused;
        let answer = self.answer.as_mut().ok_or(NOTHING_ASKED)?;
        let body = answer.head(head).await.map_err(|error| failure(error, reused))?;
        if let Some(body) = body {
            self.answer = None;
            self.body = Some(body);
            self.note_switch(head);
        }
        Ok(())
    }

    fn begin(&mut self, _head: &ResponseHead, _method: Method) -> Result<Framing, ProxyError> {
        self.body.as_ref().map(Incoming::framing).ok_or(NOTHING_ASKED)
    }

    fn step(&mut self) -> Result<Step<'_>, ProxyError> {
        let Some(body) = &mut self.body else { return Err(NOTHING_ASKED) };
        if !std::mem::take(&mut self.ready) {
            // Whoever finds nothing here waits in `fill`, which tells the stream again whom to wake.
            match body.poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(piece) => self.piece = piece.map_err(|_| TRUNCATED)?,
                Poll::Pending => return Ok(Step::Starved),
            }
        }
        Ok(if self.piece.is_empty() { Step::End } else { Step::Piece(&self.piece) })
    }

    async fn fill(&mut self) -> Result<(), ProxyError> {
        let Some(body) = &mut self.body else { return Err(NOTHING_ASKED) };
        self.piece = body.next().await.map_err(|_| TRUNCATED)?;
        self.ready = true;
        Ok(())
    }

    fn trailers(&self) -> Option<&HeaderList> {
        self.body.as_ref().and_then(Incoming::trailers)
    }

    fn plain(&self) -> Option<(&Io, u64)> {
        None
    }

    fn moved(&mut self, _bytes: u64) {}
}

impl H2Source {
    /// An extended CONNECT is accepted by a 2xx (RFC 8441 section 5): what `101` is in HTTP/1.
    fn note_switch(&mut self, head: &mut ResponseHead) {
        if let Some(protocol) = self.protocol.take().filter(|_| (200..300).contains(&head.status)) {
            head.set_status(101);
            head.headers.set_id(HeaderId::Upgrade, &protocol);
        }
    }
}

impl TunnelSource for &mut H2Source {
    async fn piece(&mut self) -> io::Result<&[u8]> {
        let body = self.body.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.piece = body.next().await.map_err(broken)?;
        Ok(&self.piece)
    }
}

/// Why there is no answer.
fn failure(error: H2Error, reused: bool) -> ProxyError {
    let kind = match error.kind {
        H2ErrorKind::Reset(_) | H2ErrorKind::GoAway(_) => ErrorKind::Reset,
        H2ErrorKind::Io(_) | H2ErrorKind::Closed => ErrorKind::Reset,
        kind => ErrorKind::BadResponse(kind.name()),
    };
    let broke = matches!(error.kind, H2ErrorKind::Io(_) | H2ErrorKind::Closed);
    let code = match error.kind {
        H2ErrorKind::Reset(code) | H2ErrorKind::GoAway(code) => Some(code),
        _ => None,
    };
    let retry = match error.unprocessed {
        _ if code == Some(ErrorCode::HTTP_1_1_REQUIRED) => Retry::OverH1,
        true => Retry::Unsent,
        // A connection that lay unused may have been closed before the request reached it.
        false if broke && reused => Retry::Replayable,
        false => Retry::Never,
    };
    ProxyError::upstream(kind, retry)
}

fn broken(_: H2Error) -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// What a caller gets who takes the steps in a wrong order.
const NOTHING_ASKED: ProxyError = ProxyError::local(ErrorKind::Reset);
const TRUNCATED: ProxyError = ProxyError::upstream(ErrorKind::Truncated, Retry::Never);
