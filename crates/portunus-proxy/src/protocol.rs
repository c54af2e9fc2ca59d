//! What a protocol gives an exchange: a request body to read, and a place for the answer.
//!
//! One file a protocol. `run` and the phases are generic over [`ClientStream`] and compiled for each; no protocol's
//! types are seen past its file.

pub(crate) mod h1;
pub(crate) mod h2;

use std::task::Context;
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_http::{Framing, HeaderList, ResponseHead};
use portunus_net::Io;
use portunus_upstream::wire::ReadBuffer;
use portunus_upstream::{TunnelSink, TunnelSource};

use crate::deadline::Deadline;
use crate::floor::Floor;

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

    /// The two ways of what the connection became after an upgrade.
    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink);
}

/// The body of a request.
pub(crate) trait RequestBody {
    /// How it is framed.
    fn framing(&self) -> Framing;

    /// All of it was taken.
    fn is_end(&self) -> bool;

    /// The next piece can be had without waiting.
    fn is_ready(&mut self) -> bool;

    /// The next piece; empty at the end.
    async fn next(&mut self) -> Result<&[u8], ProxyError>;

    /// The trailers, after the end.
    fn trailers(&self) -> Option<&HeaderList>;

    /// The body is one side of a conversation: from now on it may be as slow as the client likes.
    fn converse(&self);
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

    /// The same, or the client has ended its side, as one does that goes away. To be polled while nothing is done for it
    /// yet.
    fn poll_left(&self, cx: &mut Context<'_>) -> bool {
        self.poll_gone(cx)
    }

    /// Something of the answer is on its way.
    fn is_started(&self) -> bool;

    /// The socket, where the body's bytes may go to it as they are.
    fn plain(&self) -> Option<PlainAnswer<'_>>;

    /// Makes the client's connection end so that it can tell that its answer is cut.
    fn cut(&mut self);
}

/// A socket that the bytes of an answer may go to as they are.
pub(crate) struct PlainAnswer<'l> {
    pub(crate) io: &'l Io,
    deadline: &'l Deadline,
    floor: &'l Floor,
    idle: Duration,
}

impl<'l> PlainAnswer<'l> {
    pub(crate) fn new(
        io: &'l Io,
        deadline: &'l Deadline,
        floor: &'l Floor,
        idle: Duration,
    ) -> Self {
        Self { io, deadline, floor, idle }
    }

    /// Waits for the client to take bytes; `moved` is how many, or a failure.
    ///
    /// # Errors
    /// The client is too slow.
    pub(crate) async fn take<E>(
        &self,
        moved: impl Future<Output = Result<u64, E>>,
    ) -> Result<Result<u64, E>, ProxyError> {
        let Self { io, deadline, floor, idle } = *self;
        let moved = deadline.paced(floor, idle, ANSWER_SLOW, || taken(io), moved).await;
        let moved = moved.inspect_err(|_| io.reset_on_close())?;
        if let Ok(bytes) = &moved {
            let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX);
            floor.pay(bytes, || deadline.refresh());
        }
        Ok(moved)
    }
}

/// How much of what the system holds for a client it has taken; its zero is anywhere.
fn taken(io: &Io) -> u64 {
    u64::MAX - io.queued()
}

/// Takes in what a client still sends, up to a limit: bytes that nobody reads would make the system reset the
/// connection, and throw away what was sent last.
pub(crate) async fn linger(io: &Io, read: &mut ReadBuffer, deadline: &Deadline, limit: Duration) {
    let draining = async {
        let mut left = LINGER_BYTES_MAX;
        loop {
            let there = read.filled().len();
            read.consume(there);
            match read.read(io, READ_BYTES).await {
                Ok(0) | Err(_) => return,
                Ok(bytes) if bytes >= left => return,
                Ok(bytes) => left -= bytes,
            }
        }
    };
    deadline.set_total(None);
    let late = ProxyError::client(ErrorKind::ClientTimeout);
    // Whichever way it ends, the connection is dropped next.
    let _ = deadline.bound(limit, late, draining).await;
}

const BODY_SLOW: ProxyError = ProxyError::client(ErrorKind::BodyTooSlow);
const ANSWER_SLOW: ProxyError = ProxyError::client(ErrorKind::AnswerTooSlow);
/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;
/// Bytes that are taken in before a connection closes.
const LINGER_BYTES_MAX: usize = 1 << 20;
