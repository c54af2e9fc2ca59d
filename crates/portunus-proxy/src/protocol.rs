//! What a protocol gives an exchange: a request body to read, and a place for the answer.
//!
//! One file a protocol. `run` and the phases are generic over [`ClientStream`] and compiled for each; no protocol's
//! types are seen past its file.

pub(crate) mod h1;

use std::task::Context;
use std::time::Duration;

use portunus_exchange::ProxyError;
use portunus_http::{Framing, HeaderList, ResponseHead};
use portunus_net::Io;

use crate::deadline::Deadline;

/// The client's end of one exchange.
pub(crate) trait ClientStream {
    /// The request's body.
    type Body: RequestBody;
    /// Where the answer goes.
    type Answer: AnswerSink;

    /// What bounds the waits of the exchange.
    fn deadline(&self) -> &Deadline;

    /// Bounds each pause of the client within a body.
    fn set_idle(&self, idle: Duration);

    /// Both directions at once.
    fn split(&mut self) -> (&mut Self::Body, &mut Self::Answer);

    /// The two ways of the raw connection, for a tunnel: the socket, and what was read past the request.
    fn raw(&mut self) -> Option<(&Io, &[u8])>;
}

/// The body of a request.
pub(crate) trait RequestBody {
    /// How it is framed.
    fn framing(&self) -> Framing;

    /// All of it was taken.
    fn is_end(&self) -> bool;

    /// Nothing of it was taken.
    fn is_fresh(&self) -> bool;

    /// The next piece can be had without waiting.
    fn is_ready(&self) -> bool;

    /// The next piece; empty at the end.
    async fn next(&mut self) -> Result<&[u8], ProxyError>;

    /// The trailers, after the end.
    fn trailers(&self) -> Option<&HeaderList>;
}

/// Where an answer goes.
pub(crate) trait AnswerSink {
    /// Sends an answer before the answer (1xx), where the client can take one.
    async fn interim(&mut self, head: &ResponseHead) -> Result<(), ProxyError>;

    /// Puts the head of the answer into the next write; its length in bytes.
    fn head(&mut self, head: &ResponseHead, framing: Framing, keep_alive: bool) -> usize;

    /// Puts the head of an answer that switches protocols into the next write.
    fn upgrade(&mut self, head: &ResponseHead, protocol: &[u8]);

    /// Sends a piece of the body, or gathers it for the next write.
    async fn body(&mut self, piece: &[u8]) -> Result<(), ProxyError>;

    /// Ends the body.
    fn end(&mut self, trailers: Option<&HeaderList>);

    /// Writes what was gathered.
    async fn flush(&mut self) -> Result<(), ProxyError>;

    /// True when the client has broken its connection off. To be polled while its answer is waited for.
    fn poll_gone(&self, cx: &mut Context<'_>) -> bool;

    /// Something of the answer is on its way.
    fn is_started(&self) -> bool;

    /// The socket, where the body's bytes may go to it as they are.
    fn plain_io(&self) -> Option<&Io>;

    /// Makes the client's connection end so that it can tell that its answer is cut.
    fn cut(&mut self);
}
