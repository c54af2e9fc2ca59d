//! The two directions of one stream of HTTP/2.

use std::cell::{Cell, OnceCell};
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use portunus_exchange::{ErrorKind, ProxyError};
use portunus_h2::{ErrorCode, H2Error, H2ErrorKind, Incoming, Request};
use portunus_http::{Framing, HeaderList, ResponseHead};
use portunus_upstream::{TunnelSink, TunnelSource};

use super::Link;
use super::connect::{StreamSink, StreamSource};
use crate::deadline::Deadline;
use crate::floor::Floors;
use crate::protocol::{ANSWER_SLOW, AnswerSink, BODY_SLOW, ClientStream, PlainAnswer, RequestBody};

/// What bounds the waits of a stream.
pub(super) struct Bounds<'l> {
    link: &'l Link,
    deadline: Deadline,
    /// Bounds the reading of the body; made when there is one.
    body_deadline: OnceCell<Deadline>,
    /// Bounds each pause of the client within a body.
    idle: Cell<Duration>,
    floors: Floors,
}

impl<'l> Bounds<'l> {
    /// `waits` says that the client waits for a sign before it sends its body.
    pub(super) fn new(link: &'l Link, waits: bool) -> Self {
        let plan = link.plan();
        let floors = Floors::new(plan.floors);
        if waits {
            floors.upload.hold();
        }
        Self {
            link,
            floors,
            deadline: link.spare.take(&link.local),
            body_deadline: OnceCell::new(),
            idle: Cell::new(plan.timeouts.request_idle),
        }
    }

    async fn writing<T>(
        &self,
        writing: impl Future<Output = Result<T, H2Error>>,
    ) -> Result<T, ProxyError> {
        let Self { link, deadline, floors, idle, .. } = self;
        let progress = || link.taken();
        let paced = deadline.paced(&floors.download, idle.get(), ANSWER_SLOW, progress, writing);
        paced.await?.map_err(|_| {
            let stalled = link.stalled.get();
            let kind = if stalled { ErrorKind::ClientTimeout } else { ErrorKind::ClientClosed };
            ProxyError::client(kind)
        })
    }
}

impl Drop for Bounds<'_> {
    fn drop(&mut self) {
        self.link.spare.give(self.deadline.clone());
        self.body_deadline.take().into_iter().for_each(|deadline| self.link.spare.give(deadline));
    }
}

/// One exchange's view of its stream.
pub(super) struct Stream<'b> {
    body: Body<'b>,
    answer: Answer<'b>,
}

impl<'b> Stream<'b> {
    /// `switches` says that the body is no request's: the stream may become a tunnel.
    pub(super) fn new(bounds: &'b Bounds<'b>, request: Request, switches: bool) -> Self {
        let (incoming, answer) = request.split();
        Self {
            body: Body { bounds, incoming, piece: Bytes::new(), switches },
            answer: Answer { bounds, answer, switches, cut: false },
        }
    }

    /// Breaks the stream off, if its answer was cut. What was sent before goes out first.
    pub(super) async fn close(mut self) {
        if self.answer.cut {
            tokio::task::yield_now().await;
            self.answer.answer.reset(ErrorCode::INTERNAL_ERROR);
        }
    }
}

impl<'b> ClientStream for Stream<'b> {
    type Body = Body<'b>;
    type Answer = Answer<'b>;

    fn deadline(&self) -> &Deadline {
        &self.body.bounds.deadline
    }

    fn set_idle(&self, idle: Duration) {
        let bounds = self.body.bounds;
        bounds.idle.set(idle);
        bounds.link.idle.set(bounds.link.idle.get().max(idle));
    }

    fn split(&mut self) -> (&mut Body<'b>, &mut Answer<'b>) {
        (&mut self.body, &mut self.answer)
    }

    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink) {
        (StreamSource::new(&mut self.body.incoming), StreamSink::new(&mut self.answer.answer))
    }
}

/// The request's body.
pub(super) struct Body<'b> {
    bounds: &'b Bounds<'b>,
    incoming: Incoming,
    /// The piece that was given out last.
    piece: Bytes,
    switches: bool,
}

impl RequestBody for Body<'_> {
    fn framing(&self) -> Framing {
        if self.switches { Framing::None } else { self.incoming.framing() }
    }

    fn is_end(&self) -> bool {
        self.switches || self.incoming.is_end()
    }

    fn is_ready(&mut self) -> bool {
        self.is_end() || self.incoming.is_ready()
    }

    async fn next(&mut self) -> Result<&[u8], ProxyError> {
        if self.is_end() {
            return Ok(&[]);
        }
        let Bounds { link, deadline: main, body_deadline, idle, floors } = self.bounds;
        let deadline = body_deadline.get_or_init(|| link.spare.take(&link.local));
        deadline.follow(main);
        let next = self.incoming.next();
        let paced = deadline.paced(&floors.upload, idle.get(), BODY_SLOW, || link.received(), next);
        self.piece = paced.await?.map_err(body_error)?;
        floors.upload.pay(self.piece.len(), || deadline.refresh());
        Ok(&self.piece)
    }

    fn trailers(&self) -> Option<&HeaderList> {
        self.incoming.trailers()
    }

    fn converse(&self) {
        self.bounds.floors.upload.lift();
    }
}

fn body_error(error: H2Error) -> ProxyError {
    ProxyError::client(match error.kind {
        H2ErrorKind::Malformed(fault) => {
            ErrorKind::BadRequest { code: fault.reason(), status: fault.status() }
        }
        _ => ErrorKind::ClientClosed,
    })
}

/// Where the answer goes.
pub(super) struct Answer<'b> {
    bounds: &'b Bounds<'b>,
    answer: portunus_h2::Answer,
    /// The request is an extended CONNECT: an answer of 2xx would open a tunnel.
    switches: bool,
    cut: bool,
}

impl AnswerSink for Answer<'_> {
    async fn interim(&mut self, head: &ResponseHead) -> Result<(), ProxyError> {
        // It may have waited for this before it sends its body (RFC 9110 section 10.1.1).
        self.bounds.floors.upload.forgive(self.bounds.deadline.refresh());
        self.answer.interim(head).map_err(|_| ProxyError::client(ErrorKind::ClientClosed))
    }

    fn head(&mut self, head: &ResponseHead, framing: Framing, _keep_alive: bool) -> usize {
        // What the client sends beside its answer is one side of a conversation.
        self.bounds.floors.upload.lift();
        // Without a head, the next write fails.
        let tunnel = self.switches && (200..300).contains(&head.status);
        if tunnel {
            self.cut = true;
            return 0;
        }
        self.answer.head(head, framing).unwrap_or(0)
    }

    fn upgrade(&mut self, head: &ResponseHead, _protocol: &[u8]) {
        // As above.
        let _ = self.answer.switch(head);
    }

    async fn body(&mut self, piece: &[u8]) -> Result<(), ProxyError> {
        // One that takes a long piece bit by bit makes no pause.
        for part in piece.chunks(PART_BYTES) {
            self.bounds.writing(self.answer.body(part)).await?;
            self.bounds.floors.download.pay(part.len(), || self.bounds.deadline.refresh());
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderList>) {
        self.answer.end(trailers);
    }

    async fn flush(&mut self) -> Result<(), ProxyError> {
        self.bounds.writing(self.answer.flush()).await
    }

    fn poll_gone(&self, cx: &mut Context<'_>) -> bool {
        self.answer.poll_reset(cx).is_ready()
    }

    fn is_started(&self) -> bool {
        self.answer.is_started()
    }

    fn plain(&self) -> Option<PlainAnswer<'_>> {
        None
    }

    fn cut(&mut self) {
        self.cut = true;
    }
}

/// How much of an answer the client is waited for at once: a frame of the usual size.
const PART_BYTES: usize = 16 * 1024;
