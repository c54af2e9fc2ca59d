//! One exchange on an HTTP/1 connection to an endpoint.

use std::io;

use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_h1::{
    H1Error, Limits, Parsed, encode_request, encode_upgrade_request, parse_response,
    response_framing, wants_keep_alive,
};
use portunus_http::{Framing, HeaderList, Method, RequestHead, ResponseHead};
use portunus_net::{Buffers, Io};

use crate::wire::{self, BodyReader, Outgoing, ReadBuffer};
use crate::{
    AnswerSource, ClientConn, IoSink, IoSource, RequestSink, Step, TunnelSink, TunnelSource,
    UpstreamStream,
};

/// One exchange's view of its connection.
#[derive(Debug)]
pub struct H1Stream<'c> {
    sink: H1Sink<'c>,
    source: H1Source<'c>,
}

/// The request's way.
#[derive(Debug)]
pub struct H1Sink<'c> {
    io: &'c Io,
    buffers: &'c Buffers,
    out: Outgoing,
}

/// The answer's way.
#[derive(Debug)]
pub struct H1Source<'c> {
    io: &'c Io,
    read: &'c mut ReadBuffer,
    reader: BodyReader,
    limits: &'c Limits,
    reused: bool,
    keep: bool,
}

impl<'c> H1Stream<'c> {
    /// A new exchange on `conn`, which must be between two of them.
    #[must_use]
    pub fn new(conn: &'c mut ClientConn, buffers: &'c Buffers, limits: &'c Limits) -> Self {
        let reused = conn.reused;
        conn.read = ReadBuffer::new(buffers.take());
        let (io, read) = conn.parts();
        let out = Outgoing::new(Vec::new());
        let reader = BodyReader::new(Framing::None, limits);
        Self {
            sink: H1Sink { io, buffers, out },
            source: H1Source { io, read, reader, limits, reused, keep: false },
        }
    }

    /// True when the answer is whole and the connection fit for another exchange, if the request went out whole.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.source.keep && self.source.reader.is_end() && self.source.read.is_empty()
    }
}

impl<'c> UpstreamStream for H1Stream<'c> {
    type Sink = H1Sink<'c>;
    type Source = H1Source<'c>;

    const REFUSES: bool = false;

    fn begin(
        &mut self,
        head: &RequestHead,
        framing: Framing,
        upgrade: Option<&[u8]>,
    ) -> Result<(), ProxyError> {
        let out = &mut self.sink.out;
        *out = Outgoing::new(self.sink.buffers.take());
        out.framing = framing;
        match upgrade {
            Some(protocol) => encode_upgrade_request(head, framing, protocol, &mut out.pending),
            None => encode_request(head, framing, &mut out.pending),
        }
        Ok(())
    }

    fn split(&mut self) -> (&mut H1Sink<'c>, &mut H1Source<'c>) {
        (&mut self.sink, &mut self.source)
    }

    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink) {
        let H1Sink { io, buffers, .. } = self.sink;
        (IoSource::new(io, self.source.read.filled(), buffers), IoSink::new(io))
    }
}

impl RequestSink for H1Sink<'_> {
    async fn body(&mut self, piece: &[u8]) -> io::Result<()> {
        self.out.body(self.io, piece, |_| {}).await
    }

    fn end(&mut self, trailers: Option<&HeaderList>) {
        self.out.end(trailers);
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.out.flush(self.io, |_| {}).await
    }

    fn finish(&mut self) {
        self.buffers.give(std::mem::take(&mut self.out.pending));
    }
}

impl AnswerSource for H1Source<'_> {
    async fn head(&mut self, head: &mut ResponseHead) -> Result<(), ProxyError> {
        loop {
            if !self.read.is_empty() {
                let parsed = parse_response(self.read.filled(), self.limits, head).map_err(bad)?;
                if let Parsed::Complete(bytes) = parsed {
                    self.read.consume(bytes);
                    return Ok(());
                }
            }
            match self.read.read(self.io, READ_BYTES).await {
                Ok(0) | Err(_) => return Err(self.broken_off()),
                Ok(_) => {}
            }
        }
    }

    fn begin(&mut self, head: &ResponseHead, method: Method) -> Result<Framing, ProxyError> {
        let framing = response_framing(head, method).map_err(bad)?;
        self.keep = wants_keep_alive(head.version, &head.headers) && framing != Framing::Close;
        self.reader = BodyReader::new(framing, self.limits);
        Ok(framing)
    }

    fn step(&mut self) -> Result<Step<'_>, ProxyError> {
        Ok(match self.reader.step(self.read).map_err(bad)? {
            wire::Step::Piece(piece) => Step::Piece(self.read.piece(piece)),
            wire::Step::Starved => Step::Starved,
            wire::Step::End => Step::End,
        })
    }

    async fn fill(&mut self) -> Result<(), ProxyError> {
        let more = self.reader.left().map_or(READ_BYTES, more_for);
        match self.read.read(self.io, more).await {
            Ok(0) => self.reader.close().map_err(|_| TRUNCATED),
            // Many servers end TLS without a farewell; a reset is no end (RFC 9112 section 9.8).
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.reader.close().map_err(|_| TRUNCATED)
            }
            Err(_) => Err(TRUNCATED),
            Ok(_) => Ok(()),
        }
    }

    fn trailers(&self) -> Option<&HeaderList> {
        self.reader.trailers()
    }

    fn plain(&self) -> Option<(&Io, u64)> {
        let left = self.reader.left().filter(|_| self.read.is_empty() && self.io.is_plain())?;
        Some((self.io, left))
    }

    fn moved(&mut self, bytes: u64) {
        self.reader.moved(bytes);
    }
}

impl H1Source<'_> {
    /// The connection ended before the answer. A reused one that gave nothing had most likely been closed before the
    /// request reached it.
    fn broken_off(&self) -> ProxyError {
        let retry = if self.reused { Retry::Replayable } else { Retry::Never };
        match self.read.is_empty() {
            true => ProxyError::upstream(ErrorKind::Reset, retry),
            false => ProxyError::upstream(ErrorKind::BadResponse("cut_head"), Retry::Never),
        }
    }
}

fn bad(fault: H1Error) -> ProxyError {
    ProxyError::upstream(ErrorKind::BadResponse(fault.code()), Retry::Never)
}

fn more_for(left: u64) -> usize {
    usize::try_from(left).unwrap_or(READ_BYTES).clamp(1, READ_BYTES)
}

const TRUNCATED: ProxyError = ProxyError::upstream(ErrorKind::Truncated, Retry::Never);
/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;
