//! The two directions of one exchange on an HTTP/1 connection.

use std::io;
use std::task::Context;
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_h1::{encode_response, encode_upgrade_response, framing_for};
use portunus_http::{Framing, HeaderList, ResponseHead, Version};
use portunus_upstream::wire::{BodyFault, BodyReader, Outgoing, ReadBuffer};
use portunus_upstream::{IoSink, IoSource, TunnelSink, TunnelSource};

use super::Link;
use crate::deadline::Deadline;
use crate::floor::Floors;
use crate::protocol::{
    self, ANSWER_SLOW, AnswerSink, BODY_SLOW, ClientStream, PlainAnswer, RequestBody,
};

/// One exchange's view of its connection.
pub(super) struct Stream<'c> {
    pub(super) body: Body<'c>,
    pub(super) answer: Answer<'c>,
}

/// The request's body.
pub(super) struct Body<'c> {
    pub(super) link: &'c Link,
    pub(super) floors: &'c Floors,
    pub(super) read: &'c mut ReadBuffer,
    pub(super) reader: BodyReader,
    pub(super) framing: Framing,
}

/// Where the answer goes.
pub(super) struct Answer<'c> {
    pub(super) link: &'c Link,
    pub(super) floors: &'c Floors,
    pub(super) out: Outgoing,
    pub(super) version: Version,
    /// The answer's head promised that the connection stays.
    pub(super) keep: bool,
}

impl<'c> ClientStream for Stream<'c> {
    type Body = Body<'c>;
    type Answer = Answer<'c>;

    fn deadline(&self) -> &Deadline {
        &self.body.link.deadline
    }

    fn set_idle(&self, idle: Duration) {
        self.body.link.idle.set(idle);
    }

    fn split(&mut self) -> (&mut Body<'c>, &mut Answer<'c>) {
        (&mut self.body, &mut self.answer)
    }

    fn tunnel(&mut self) -> (impl TunnelSource, impl TunnelSink) {
        let link = self.body.link;
        let source = IoSource::new(&link.io, self.body.read.filled(), &link.local.buffers);
        (source, IoSink::new(&link.io))
    }
}

impl RequestBody for Body<'_> {
    fn framing(&self) -> Framing {
        self.framing
    }

    fn is_end(&self) -> bool {
        self.reader.is_end()
    }

    fn is_ready(&mut self) -> bool {
        !self.read.is_empty() || self.reader.is_end()
    }

    async fn next(&mut self) -> Result<&[u8], ProxyError> {
        if self.reader.is_end() {
            return Ok(&[]);
        }
        let link = self.link;
        let deadline = link.body_deadline.get_or_init(|| Deadline::new(&link.local.worker));
        deadline.follow(&link.deadline);
        let next = self.reader.next(&link.io, self.read);
        let upload = &self.floors.upload;
        let paced = deadline.paced(upload, link.idle.get(), BODY_SLOW, || 0, next);
        let piece = paced.await?.map_err(body_error)?;
        upload.pay(piece.len(), || deadline.refresh());
        // With the whole body here, what happens on the socket is news again.
        link.watch.set(self.reader.is_end());
        link.read_whole.set(self.reader.is_end());
        Ok(self.read.piece(piece))
    }

    fn trailers(&self) -> Option<&HeaderList> {
        self.reader.trailers()
    }

    fn converse(&self) {
        self.floors.upload.lift();
    }
}

fn body_error(fault: BodyFault) -> ProxyError {
    ProxyError::client(match fault {
        BodyFault::Framing(fault) => {
            ErrorKind::BadRequest { code: fault.reason(), status: fault.status() }
        }
        BodyFault::Io(_) | BodyFault::Truncated => ErrorKind::ClientClosed,
    })
}

impl Answer<'_> {
    /// Waits until the client has taken what is written. One that does not is sent away, with all that the system
    /// holds for it.
    async fn paced(
        link: &Link,
        floors: &Floors,
        writing: impl Future<Output = io::Result<()>>,
    ) -> Result<(), ProxyError> {
        let Link { deadline, idle, io, .. } = link;
        let progress = || protocol::taken(io);
        let paced = deadline.paced(&floors.download, idle.get(), ANSWER_SLOW, progress, writing);
        let written = paced.await;
        let written = written.inspect_err(|_| io.reset_on_close())?;
        written.map_err(|_| ProxyError::client(ErrorKind::ClientClosed))
    }
}

/// The client has taken bytes of its answer.
fn taken(link: &Link, floors: &Floors, bytes: usize) {
    floors.download.pay(bytes, || link.deadline.refresh());
}

impl AnswerSink for Answer<'_> {
    async fn interim(&mut self, head: &ResponseHead) -> Result<(), ProxyError> {
        if self.version < Version::H11 {
            return Ok(());
        }
        encode_response(head, self.version, Framing::None, true, &mut self.out.pending);
        let Self { link, floors, .. } = *self;
        // It may have waited for this before it sends its body (RFC 9110 section 10.1.1).
        floors.upload.forgive(link.deadline.refresh());
        let flushing = self.out.flush(&link.io, |bytes| taken(link, floors, bytes));
        let written = Self::paced(link, floors, flushing).await;
        // The answer itself has not begun.
        self.out.started = written.is_err();
        written
    }

    fn head(&mut self, head: &ResponseHead, framing: Framing, keep_alive: bool) -> usize {
        // What the client sends beside its answer is one side of a conversation.
        self.floors.upload.lift();
        let framing = framing_for(self.version, framing);
        // Whoever answers before the request has ended may not read its rest, and says so in time (RFC 9112 section 9.6).
        self.keep = keep_alive
            && framing != Framing::Close
            && self.link.read_whole.get()
            && !self.link.gate.is_closed()
            && self.link.local.keeps_clients();
        self.out.framing = framing;
        // A head that was prepared and never sent gives way.
        self.out.pending.clear();
        encode_response(head, self.version, framing, self.keep, &mut self.out.pending);
        self.out.pending.len()
    }

    fn upgrade(&mut self, head: &ResponseHead, protocol: &[u8]) {
        self.keep = false;
        encode_upgrade_response(head, protocol, &mut self.out.pending);
    }

    async fn body(&mut self, piece: &[u8]) -> Result<(), ProxyError> {
        let Self { link, floors, .. } = *self;
        let writing = self.out.body(&link.io, piece, |bytes| taken(link, floors, bytes));
        Self::paced(link, floors, writing).await
    }

    fn end(&mut self, trailers: Option<&HeaderList>) {
        self.out.end(trailers);
    }

    async fn flush(&mut self) -> Result<(), ProxyError> {
        let Self { link, floors, .. } = *self;
        let writing = self.out.flush(&link.io, |bytes| taken(link, floors, bytes));
        Self::paced(link, floors, writing).await
    }

    fn poll_gone(&self, cx: &mut Context<'_>) -> bool {
        // More requests, or the end of them, are no reason to stop: only a reset is. Looked at once an event.
        let link = self.link;
        link.watch.get() && link.io.poll_readable(cx).is_ready() && {
            link.watch.set(false);
            link.io.is_reset()
        }
    }

    fn poll_left(&self, cx: &mut Context<'_>) -> bool {
        let Link { io, watch, .. } = self.link;
        if !watch.get() || io.poll_readable(cx).is_pending() {
            return false;
        }
        let left = io.is_reset() || io.is_at_end();
        // Where more requests have come, nothing else will be heard of.
        watch.set(!left && io.poll_readable(cx).is_pending());
        left
    }

    fn is_started(&self) -> bool {
        self.out.started
    }

    fn plain(&self) -> Option<PlainAnswer<'_>> {
        let Link { io, deadline, idle, .. } = self.link;
        let is_plain = self.out.framing != Framing::Chunked && io.is_plain();
        is_plain.then(|| PlainAnswer::new(io, deadline, &self.floors.download, idle.get()))
    }

    fn cut(&mut self) {
        self.keep = false;
        self.link.cut.set(true);
        // A body with a length, or in chunks, shows its cut by itself; one that ends with the connection would not.
        if self.out.framing == Framing::Close {
            self.link.io.reset_on_close();
        }
    }
}
