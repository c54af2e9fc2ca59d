//! The two directions of one exchange on an HTTP/1 connection.

use std::io;
use std::task::Context;
use std::time::Duration;

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_h1::{encode_response, encode_upgrade_response, framing_for};
use portunus_http::{Framing, HeaderList, ResponseHead, Version};
use portunus_net::Io;
use portunus_upstream::wire::{BodyFault, BodyReader, Outgoing, ReadBuffer};
use portunus_upstream::{IoSink, IoSource, TunnelSink, TunnelSource};

use super::Link;
use crate::deadline::Deadline;
use crate::protocol::{AnswerSink, ClientStream, RequestBody};

/// One exchange's view of its connection.
pub(super) struct Stream<'c> {
    pub(super) body: Body<'c>,
    pub(super) answer: Answer<'c>,
}

/// The request's body.
pub(super) struct Body<'c> {
    pub(super) link: &'c Link,
    pub(super) read: &'c mut ReadBuffer,
    pub(super) reader: BodyReader,
    pub(super) framing: Framing,
}

/// Where the answer goes.
pub(super) struct Answer<'c> {
    pub(super) link: &'c Link,
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
        link.local.worker.refresh();
        let late = ProxyError::client(ErrorKind::ClientTimeout);
        let next = self.reader.next(&link.io, self.read);
        let piece = deadline.bound(link.idle.get(), late, next).await?.map_err(body_error)?;
        // With the whole body here, what happens on the socket is news again.
        link.watch.set(self.reader.is_end());
        Ok(self.read.piece(piece))
    }

    fn trailers(&self) -> Option<&HeaderList> {
        self.reader.trailers()
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
    async fn bound(
        link: &Link,
        writing: impl Future<Output = io::Result<()>>,
    ) -> Result<(), ProxyError> {
        let late = ProxyError::client(ErrorKind::ClientTimeout);
        let written = link.deadline.bound(link.idle.get(), late, writing).await?;
        written.map_err(|_| ProxyError::client(ErrorKind::ClientClosed))
    }
}

impl AnswerSink for Answer<'_> {
    async fn interim(&mut self, head: &ResponseHead) -> Result<(), ProxyError> {
        if self.version < Version::H11 {
            return Ok(());
        }
        encode_response(head, self.version, Framing::None, true, &mut self.out.pending);
        let written = Self::bound(self.link, self.out.flush(&self.link.io)).await;
        // The answer itself has not begun.
        self.out.started = written.is_err();
        written
    }

    fn head(&mut self, head: &ResponseHead, framing: Framing, keep_alive: bool) -> usize {
        let framing = framing_for(self.version, framing);
        self.keep = keep_alive
            && framing != Framing::Close
            && !self.link.gate.is_closed()
            && !self.link.local.is_draining();
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
        Self::bound(self.link, self.out.body(&self.link.io, piece)).await
    }

    fn end(&mut self, trailers: Option<&HeaderList>) {
        self.out.end(trailers);
    }

    async fn flush(&mut self) -> Result<(), ProxyError> {
        Self::bound(self.link, self.out.flush(&self.link.io)).await
    }

    fn poll_gone(&self, cx: &mut Context<'_>) -> bool {
        // More requests, or the end of them, are no reason to stop: only a reset is. Looked at once an event.
        let link = self.link;
        link.watch.get() && link.io.poll_readable(cx).is_ready() && {
            link.watch.set(false);
            link.io.is_reset()
        }
    }

    fn is_started(&self) -> bool {
        self.out.started
    }

    fn plain_io(&self) -> Option<&Io> {
        let io = &self.link.io;
        (self.out.framing != Framing::Chunked && io.is_plain()).then_some(io)
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
