//! The server's side: a connection of a client becomes requests.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use portunus_http::{Framing, HeaderList, RequestHead, ResponseHead};
use portunus_net::Io;
use portunus_worker::Worker;

use crate::body::poll_ended;
use crate::flood::FloodWatch;
use crate::request::{framing_of, protocol_of, request_into};
use crate::response::{response_of, switch_of};
use crate::wire::{Flow, Line, Wire};
use crate::{ErrorCode, FloodLimits, H2Error, H2ErrorKind, H2Fault, Incoming, Outgoing};

/// What a connection of a client may do.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// Streams at once; more are refused.
    pub streams_max: u32,
    /// The size of a head as RFC 9113 section 10.5.1 counts it: names, values, and 32 bytes a field. A larger one is
    /// answered by 431 before anyone sees it.
    pub header_bytes_max: u32,
    /// Fields of a head, with the crumbs of a cookie as one.
    pub headers_max: usize,
    /// Bytes of one stream that may be on their way to us. 256 KiB carries 20 Mbit/s over 100 ms of round trip, and
    /// is all that a stream can make us keep while its upstream is slow.
    pub stream_window_bytes: u32,
    /// Bytes of all streams that may be on their way to us. Four streams' worth: it bounds what a connection can make
    /// us keep, and a stream that stands still must not stop the others.
    pub connection_window_bytes: u32,
    /// Bytes of one stream that are kept until the client takes them.
    pub send_buffer_bytes: usize,
    /// Extended CONNECT: WebSocket over HTTP/2 (RFC 8441).
    pub extended_connect: bool,
    /// How often a client may send frames that cost it nothing.
    pub floods: FloodLimits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            streams_max: 128,
            header_bytes_max: 64 * 1024,
            headers_max: 100,
            stream_window_bytes: 256 * 1024,
            connection_window_bytes: 1024 * 1024,
            send_buffer_bytes: 64 * 1024,
            extended_connect: true,
            floods: FloodLimits::default(),
        }
    }
}

/// A connection of a client. Moves only while it is polled: poll [`Server::poll_accept`] until it is pending, also
/// while requests are served.
pub struct Server {
    connection: Connection<Wire, Bytes>,
    line: Rc<Line>,
    headers_max: usize,
    /// The client is told that this is the end.
    flooded: bool,
}

impl Server {
    /// Tells the client our settings, and waits for its preface. `early` was read from `io` already.
    ///
    /// # Errors
    /// The client does not speak HTTP/2, or its connection failed.
    pub async fn handshake(
        io: Io,
        early: Vec<u8>,
        options: &ServerOptions,
        worker: &Worker,
    ) -> Result<Self, H2Error> {
        let watch = FloodWatch::new(&options.floods, PREFACE_BYTES, worker.now());
        let line = Line::new(io, early, watch, worker.clone());
        let mut handshake = builder(options).handshake(line.wire());
        let connection = poll_fn(|cx| {
            line.begin_turn();
            let polled = std::pin::Pin::new(&mut handshake).poll(cx);
            if polled.is_pending() {
                ready!(line.poll_write_out(cx))?;
            }
            polled.map_err(H2Error::from)
        });
        let connection = connection.await?;
        Ok(Self { connection, line, headers_max: options.headers_max, flooded: false })
    }

    /// The next request; None when the connection has ended as it should.
    ///
    /// # Errors
    /// The connection ended otherwise; [`H2ErrorKind::Flood`] says for what the client was sent away.
    pub async fn accept(&mut self) -> Option<Result<Request, H2Error>> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// See [`Server::accept`]. Moves all streams on, and writes what they have.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Request, H2Error>>> {
        self.line.begin_turn();
        let polled = match self.connection.poll_accept(cx) {
            Poll::Ready(Some(Ok((request, respond)))) => {
                let request = Request::new(request, respond, self.headers_max);
                return Poll::Ready(Some(Ok(request)));
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.line.explain(&error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        };
        if let Some(kind) = self.line.flood() {
            return self.send_away(cx, H2Error::new(H2ErrorKind::Flood(kind)));
        }
        if polled.is_pending()
            && let Err(error) = ready_or_ok(self.line.poll_write_out(cx))
        {
            return Poll::Ready(Some(Err(error)));
        }
        polled
    }

    /// Ends the connection with a GOAWAY; one that a client which does not read has no room for is lost.
    fn send_away(
        &mut self,
        cx: &mut Context<'_>,
        error: H2Error,
    ) -> Poll<Option<Result<Request, H2Error>>> {
        if !std::mem::replace(&mut self.flooded, true) {
            self.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            // What this says is known.
            let _ = self.connection.poll_closed(cx);
            let _ = self.line.poll_write_out(cx);
        }
        Poll::Ready(Some(Err(error)))
    }

    /// Tells the client to open no more streams (RFC 9113 section 6.8): first without a limit, then, when it must have
    /// seen that, with the last stream. Requests that are open or on their way are served; then
    /// [`Server::poll_accept`] gives None.
    pub fn shutdown(&mut self) {
        self.connection.graceful_shutdown();
    }

    /// Ends the connection with that code, open streams and all; [`Server::poll_accept`] writes it.
    pub fn abort(&mut self, code: ErrorCode) {
        self.connection.abrupt_shutdown(Reason::from(code.0));
    }

    /// True without open streams.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.connection.has_streams()
    }

    /// How its bytes move.
    #[must_use]
    pub fn flow(&self) -> Flow {
        Flow::of(&self.line)
    }

    /// The socket: for its addresses, and to make its close a reset.
    #[must_use]
    pub fn io(&self) -> &Io {
        self.line.io()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("line", &self.line).finish_non_exhaustive()
    }
}

fn builder(options: &ServerOptions) -> h2::server::Builder {
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(options.streams_max)
        .max_header_list_size(options.header_bytes_max)
        .initial_window_size(options.stream_window_bytes.min(WINDOW_BYTES_MAX))
        .initial_connection_window_size(options.connection_window_bytes.min(WINDOW_BYTES_MAX))
        .max_send_buffer_size(options.send_buffer_bytes.min(WINDOW_BYTES_MAX as usize))
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(Some(FAULTS_MAX));
    if options.extended_connect {
        builder.enable_connect_protocol();
    }
    builder
}

/// A write that waits is no news; one that failed is.
pub(crate) fn ready_or_ok(polled: Poll<std::io::Result<()>>) -> Result<(), H2Error> {
    match polled {
        Poll::Ready(Err(error)) => Err(error.into()),
        Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
    }
}

/// A request. Dropping it, or its two halves, without an answer resets the stream.
#[derive(Debug)]
pub struct Request {
    parts: http::request::Parts,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    headers_max: usize,
}

impl Request {
    fn new(
        request: http::Request<RecvStream>,
        respond: SendResponse<Bytes>,
        headers_max: usize,
    ) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body, respond, headers_max }
    }

    /// Fills `head`; its memory is used again. `Host` is the first header, whatever the client sent.
    ///
    /// # Errors
    /// The request must not be passed on. `head` holds what was read of it, for the log; the stream can still be
    /// answered, with [`H2Fault::status`], or reset.
    pub fn head_into(&self, head: &mut RequestHead) -> Result<(), H2Fault> {
        request_into(&self.parts, self.headers_max, head)?;
        framing_of(&self.parts.headers, self.body.is_end_stream()).map(|_| ())
    }

    /// The protocol that an extended CONNECT asks for (RFC 8441), for instance `websocket`.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        protocol_of(&self.parts)
    }

    /// True for `https`; None where the client did not say.
    #[must_use]
    pub fn is_secure(&self) -> Option<bool> {
        self.parts.uri.scheme().map(|scheme| *scheme == http::uri::Scheme::HTTPS)
    }

    /// The number of its stream.
    #[must_use]
    pub fn stream_id(&self) -> u32 {
        self.body.stream_id().as_u32()
    }

    /// Its body, and the place for its answer.
    #[must_use]
    pub fn split(self) -> (Incoming, Answer) {
        let framing = framing_of(&self.parts.headers, self.body.is_end_stream());
        let incoming = Incoming::new(self.body, framing.unwrap_or(Framing::Chunked));
        (incoming, Answer { respond: RefCell::new(self.respond), stage: Stage::Empty })
    }
}

/// Where the answer to a request goes. Nothing is sent before a flush, or before there is too much to gather: a head
/// that was prepared may give way to another one.
#[derive(Debug)]
pub struct Answer {
    /// In a cell, since a reset is watched for while others look at the stream.
    respond: RefCell<SendResponse<Bytes>>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Empty,
    /// A head, and a short body that was gathered behind it; true with its end.
    Prepared(Box<http::Response<()>>, Vec<u8>, bool),
    Started(Outgoing),
    /// The head could not be sent.
    Failed,
}

impl Answer {
    /// Sends an answer before the answer (1xx).
    ///
    /// # Errors
    /// The stream is over, or the head is none of an interim answer.
    pub fn interim(&mut self, head: &ResponseHead) -> Result<(), H2Error> {
        if !head.is_interim() {
            return Err(H2Fault::BadStatus.into());
        }
        let response = response_of(head, Framing::None)?;
        Ok(self.respond.get_mut().send_informational(response)?)
    }

    /// Prepares the head of the answer; its length in bytes, as HTTP/1 would have it. `framing` gives the
    /// `Content-Length`; with [`Framing::None`] the one of the head stays, as answers to HEAD need it.
    ///
    /// # Errors
    /// An answer has begun, or the head has no status that an answer may have.
    pub fn head(&mut self, head: &ResponseHead, framing: Framing) -> Result<usize, H2Error> {
        self.prepare(response_of(head, framing)?)?;
        Ok(head.headers.wire_bytes())
    }

    /// Prepares the answer that accepts an extended CONNECT. `head` may be that of a `101`.
    ///
    /// # Errors
    /// An answer has begun.
    pub fn switch(&mut self, head: &ResponseHead) -> Result<(), H2Error> {
        self.prepare(switch_of(head))
    }

    fn prepare(&mut self, response: http::Response<()>) -> Result<(), H2Error> {
        if self.is_started() {
            return Err(H2Error::CLOSED);
        }
        self.stage = Stage::Prepared(Box::new(response), Vec::new(), false);
        Ok(())
    }

    /// Gathers a piece of the body, and sends what is more than a buffer.
    ///
    /// # Errors
    /// The stream is over, or there is no head.
    pub async fn body(&mut self, piece: &[u8]) -> Result<(), H2Error> {
        if let Stage::Prepared(_, gathered, false) = &mut self.stage
            && gathered.len() + piece.len() <= PREPARED_BYTES_MAX
        {
            gathered.extend_from_slice(piece);
            return Ok(());
        }
        self.start()?.body(piece).await
    }

    /// As [`Answer::body`], for a piece that need not be copied.
    ///
    /// # Errors
    /// As [`Answer::body`].
    pub async fn bytes(&mut self, piece: Bytes) -> Result<(), H2Error> {
        self.start()?.bytes(piece).await
    }

    /// Ends the body; the flush after it tells the client.
    pub fn end(&mut self, trailers: Option<&HeaderList>) {
        match &mut self.stage {
            Stage::Prepared(_, _, ended) if trailers.is_none_or(HeaderList::is_empty) => {
                *ended = true;
            }
            Stage::Prepared(..) => {
                // What start says, flush says again.
                if let Ok(started) = self.start() {
                    started.end(trailers);
                }
            }
            Stage::Started(outgoing) => outgoing.end(trailers),
            Stage::Empty | Stage::Failed => {}
        }
    }

    /// Hands all that was gathered to the connection, as far as the client's windows let it.
    ///
    /// # Errors
    /// The stream is over.
    pub async fn flush(&mut self) -> Result<(), H2Error> {
        match self.stage {
            Stage::Empty => Ok(()),
            _ => self.start()?.flush().await,
        }
    }

    /// Something of the answer was handed to the connection.
    #[must_use]
    pub fn is_started(&self) -> bool {
        matches!(self.stage, Stage::Started(_) | Stage::Failed)
    }

    /// The whole answer was handed to the connection.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(&self.stage, Stage::Started(outgoing) if outgoing.is_end())
    }

    /// Breaks the stream off: the client can tell that its answer is cut.
    pub fn reset(&mut self, code: ErrorCode) {
        match &mut self.stage {
            Stage::Started(outgoing) => outgoing.reset(code),
            _ => self.respond.get_mut().send_reset(Reason::from(code.0)),
        }
    }

    /// Ready when the client has given up: it reset the stream, or its connection is over. To be polled while nothing
    /// else of the answer is waited for.
    pub fn poll_reset(&self, cx: &mut Context<'_>) -> Poll<H2Error> {
        match &self.stage {
            Stage::Started(outgoing) => outgoing.poll_reset(cx),
            _ => poll_ended(self.respond.borrow_mut().poll_reset(cx)),
        }
    }

    /// Sends the head that was prepared; where the rest goes.
    fn start(&mut self) -> Result<&mut Outgoing, H2Error> {
        if let Stage::Prepared(..) = self.stage
            && let Stage::Prepared(response, gathered, ended) =
                std::mem::replace(&mut self.stage, Stage::Failed)
        {
            let is_last = ended && gathered.is_empty();
            let stream = self.respond.get_mut().send_response(*response, is_last)?;
            self.stage = Stage::Started(Outgoing::prepared(stream, gathered, ended, is_last));
        }
        match &mut self.stage {
            Stage::Started(outgoing) => Ok(outgoing),
            _ => Err(H2Error::CLOSED),
        }
    }
}

/// The preface of a client, in bytes (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;
/// The most that a window may be (RFC 9113 section 6.9.1).
const WINDOW_BYTES_MAX: u32 = (1 << 31) - 1;
/// Streams that were reset before anyone saw them: a page that is left at once may reset all that it asked for.
const PENDING_RESETS_MAX: usize = 64;
/// Streams that a client may lose by faults of its own.
const FAULTS_MAX: usize = 256;
/// How much of a body is gathered behind a head that was not sent.
const PREPARED_BYTES_MAX: usize = 16 * 1024;
