//! What a protocol gives an exchange on the upstream's side: a place for the request, and an answer to read.
//!
//! One file a protocol. Whoever drives an exchange is generic over [`UpstreamStream`] and compiled for each; no
//! protocol's types are seen past its file. The caller bounds all waits.

use std::io;

use portunus_exchange::ProxyError;
use portunus_http::{Framing, HeaderList, Method, RequestHead, ResponseHead};
use portunus_net::Io;

use crate::{TunnelSink, TunnelSource};

/// An endpoint's end of one exchange. Dropped before its answer has ended, it takes the request back.
pub trait UpstreamStream {
    /// Where the request goes.
    type Sink: RequestSink;
    /// Where the answer comes from.
    type Source: AnswerSource;

    /// A request may come back unprocessed after a part of its body went out.
    const REFUSES: bool;

    /// Begins the request. Its head goes out with the first bytes of its body, where the protocol can.
    ///
    /// # Errors
    /// The request cannot be sent this way; nothing of it was.
    fn begin(
        &mut self,
        head: &RequestHead,
        framing: Framing,
        upgrade: Option<&[u8]>,
    ) -> Result<(), ProxyError>;

    /// Both directions at once.
    fn split(&mut self) -> (&mut Self::Sink, &mut Self::Source);

    /// Both ways of what the connection became after `101`.
    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink);
}

/// Where a request goes.
#[expect(async_fn_in_trait, reason = "nothing of a worker is ever sent to another thread")]
pub trait RequestSink {
    /// Sends a piece of the body, or gathers it for the next write.
    ///
    /// # Errors
    /// The upstream takes no more of it; its answer may still come.
    async fn body(&mut self, piece: &[u8]) -> io::Result<()>;

    /// Ends the body.
    fn end(&mut self, trailers: Option<&HeaderList>);

    /// Writes what was gathered.
    ///
    /// # Errors
    /// As [`RequestSink::body`].
    async fn flush(&mut self) -> io::Result<()>;

    /// All was sent, or no more will be: gives the memory back.
    fn finish(&mut self);
}

/// Where an answer comes from.
#[expect(async_fn_in_trait, reason = "nothing of a worker is ever sent to another thread")]
pub trait AnswerSource {
    /// Waits for the next head, those before the answer's own (1xx) included.
    ///
    /// # Errors
    /// There is none, or it is not HTTP; the error says whether another try is safe.
    async fn head(&mut self, head: &mut ResponseHead) -> Result<(), ProxyError>;

    /// Begins the body that follows `head`, the answer to a request with `method`; how it is framed.
    ///
    /// # Errors
    /// The head contradicts itself.
    fn begin(&mut self, head: &ResponseHead, method: Method) -> Result<Framing, ProxyError>;

    /// The next piece of the body, as far as it is there.
    ///
    /// # Errors
    /// The body breaks its framing.
    fn step(&mut self) -> Result<Step<'_>, ProxyError>;

    /// Waits for more.
    ///
    /// # Errors
    /// The body was cut.
    async fn fill(&mut self) -> Result<(), ProxyError>;

    /// The trailers, after the end.
    fn trailers(&self) -> Option<&HeaderList>;

    /// The socket and how much of the body is still to come over it as it is, where nothing else comes between.
    fn plain(&self) -> Option<(&Io, u64)>;

    /// So many bytes of the body were taken from the socket, past the source.
    fn moved(&mut self, bytes: u64);
}

/// What a look at the answer's body gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step<'s> {
    /// A piece.
    Piece(&'s [u8]),
    /// More must come first.
    Starved,
    /// The body is over.
    End,
}
