//! The client's side: many requests over one connection to an upstream.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong};
use portunus_http::{Framing, Method, ResponseHead};
use portunus_net::Io;
use portunus_worker::Worker;

use crate::flood::FloodWatch;
use crate::request::framing_of;
use crate::response::response_into;
use crate::server::ready_or_ok;
use crate::wire::{Line, Wire};
use crate::{FloodLimits, H2Error, H2ErrorKind, Incoming, Outgoing, OutgoingHead};

/// What a connection to an upstream may do.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// The size of a head as RFC 9113 section 10.5.1 counts it.
    pub header_bytes_max: u32,
    /// Fields of a head.
    pub headers_max: usize,
    /// Bytes of one answer that may be on their way to us: all that it can make us keep while its client is slow.
    pub stream_window_bytes: u32,
    /// Bytes of all answers that may be on their way to us.
    pub connection_window_bytes: u32,
    /// Bytes of one request that are kept until the upstream takes them.
    pub send_buffer_bytes: usize,
    /// How often the upstream may send frames that cost it nothing.
    pub floods: FloodLimits,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            header_bytes_max: 64 * 1024,
            headers_max: 100,
            stream_window_bytes: 256 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            send_buffer_bytes: 64 * 1024,
            floods: FloodLimits::default(),
        }
    }
}

/// A connection to an upstream, to send requests by. Cheap to clone. The connection closes once the last clone and
/// the last stream are gone.
#[derive(Clone)]
pub struct Client {
    shared: Rc<Shared>,
    send: SendRequest<Bytes>,
}

struct Shared {
    line: Rc<Line>,
    ping: RefCell<Option<PingPong>>,
    headers_max: usize,
    streams: Cell<usize>,
    ended: Cell<bool>,
}

/// What moves a connection: to be polled for as long as it lives, in a task of its own.
pub struct Driver {
    connection: Connection<Wire, Bytes>,
    shared: Rc<Shared>,
}

/// Tells the upstream our settings. Requests may be sent at once; the driver moves them.
///
/// # Errors
/// The connection failed.
pub async fn connect(
    io: Io,
    options: &ClientOptions,
    worker: &Worker,
) -> Result<(Client, Driver), H2Error> {
    let watch = FloodWatch::new(&options.floods, 0, worker.now());
    let line = Line::new(io, Vec::new(), watch, worker.clone());
    let (send, mut connection) = builder(options).handshake::<_, Bytes>(line.wire()).await?;
    let ping = RefCell::new(connection.ping_pong());
    let (streams, ended) = (Cell::new(0), Cell::new(false));
    let headers_max = options.headers_max;
    let shared = Rc::new(Shared { line, ping, headers_max, streams, ended });
    let client = Client { shared: Rc::clone(&shared), send };
    Ok((client, Driver { connection, shared }))
}

fn builder(options: &ClientOptions) -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        .initial_max_send_streams(STREAMS_BEFORE_SETTINGS)
        .max_header_list_size(options.header_bytes_max)
        .initial_window_size(options.stream_window_bytes)
        .initial_connection_window_size(options.connection_window_bytes)
        .max_send_buffer_size(options.send_buffer_bytes);
    builder
}

impl Future for Driver {
    type Output = Result<(), H2Error>;

    /// Ready when the connection is over.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let ended = ready!(this.poll_connection(cx));
        this.shared.ended.set(true);
        Poll::Ready(ended)
    }
}

impl Driver {
    fn poll_connection(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), H2Error>> {
        let line = &self.shared.line;
        line.begin_turn();
        let polled = Pin::new(&mut self.connection).poll(cx);
        if let Some(kind) = line.flood() {
            return Poll::Ready(Err(H2Error::new(H2ErrorKind::Flood(kind))));
        }
        if polled.is_pending() {
            ready_or_ok(line.poll_write_out(cx))?;
        }
        polled.map_err(|error| line.explain(&error))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.ended.set(true);
    }
}

impl Client {
    /// True while requests may be sent: the connection lives, and the upstream has not said that it goes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.shared.ended.get() && !self.shared.line.saw_goaway()
    }

    /// How many requests the upstream takes beside those that are open.
    #[must_use]
    pub fn streams_free(&self) -> usize {
        self.send.current_max_send_streams().saturating_sub(self.shared.streams.get())
    }

    /// How many requests are open.
    #[must_use]
    pub fn streams_open(&self) -> usize {
        self.shared.streams.get()
    }

    /// True when the upstream takes extended CONNECT (RFC 8441). Known once its settings are there.
    #[must_use]
    pub fn takes_extended_connect(&self) -> bool {
        self.send.is_extended_connect_protocol_enabled()
    }

    /// The socket.
    #[must_use]
    pub fn io(&self) -> &Io {
        self.shared.line.io()
    }

    /// Sends the head of a request. Above [`Client::streams_free`] it waits in the connection.
    ///
    /// # Errors
    /// The connection is over or goes, or the head cannot be sent. Nothing was sent then.
    pub fn send(&self, head: &OutgoingHead<'_>) -> Result<ClientStream, H2Error> {
        if self.shared.ended.get() {
            return Err(H2Error::CLOSED.unsent());
        }
        let request = head.request()?;
        let sent = self.send.clone().send_request(request, head.is_end());
        let (response, stream) = sent.map_err(|error| H2Error::of(&error).unsent())?;
        let answer = PendingAnswer {
            response,
            interims: true,
            headers_max: self.shared.headers_max,
            bodiless: head.head.method == Method::Head && head.protocol.is_none(),
        };
        let open = Open::new(&self.shared);
        Ok(ClientStream { body: Outgoing::new(stream, head.is_end()), answer, open })
    }

    /// Asks the upstream for a sign of life; ready when it came. One at a time.
    ///
    /// # Errors
    /// The connection is over, or another ping is under way.
    pub async fn ping(&self) -> Result<(), H2Error> {
        let mut ping = self.shared.ping.borrow_mut().take().ok_or(H2Error::CLOSED)?;
        let ponged = ping.ping(Ping::opaque()).await;
        *self.shared.ping.borrow_mut() = Some(ping);
        Ok(ponged.map(|_| ())?)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (streams, ended) = (self.shared.streams.get(), self.shared.ended.get());
        f.debug_struct("Client").field("streams", &streams).field("ended", &ended).finish()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// A request under way. Dropping all of it before the answer's end resets the stream.
#[derive(Debug)]
pub struct ClientStream {
    /// Where the request's body goes.
    pub body: Outgoing,
    /// The answer's head, before it is there.
    pub answer: PendingAnswer,
    /// What counts the stream as open: to be kept until the answer has ended.
    pub open: Open,
}

/// Counts a stream as open while it lives.
pub struct Open {
    shared: Rc<Shared>,
}

impl Open {
    fn new(shared: &Rc<Shared>) -> Self {
        shared.streams.set(shared.streams.get() + 1);
        Self { shared: Rc::clone(shared) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.streams.set(self.shared.streams.get() - 1);
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

/// An answer whose head is not there yet.
#[derive(Debug)]
pub struct PendingAnswer {
    response: ResponseFuture,
    /// Answers before the answer may still come.
    interims: bool,
    headers_max: usize,
    /// The request was a HEAD.
    bodiless: bool,
}

impl PendingAnswer {
    /// Waits for the next head: the body with the answer's, None with that of an answer before it (1xx), after which
    /// this is to be called again.
    ///
    /// # Errors
    /// The stream or the connection ended, or the answer must not be passed on.
    pub async fn head(&mut self, head: &mut ResponseHead) -> Result<Option<Incoming>, H2Error> {
        poll_fn(|cx| self.poll_head(cx, head)).await
    }

    /// See [`PendingAnswer::head`]. Not to be polled again after the answer's head.
    ///
    /// # Errors
    /// As [`PendingAnswer::head`].
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &mut ResponseHead,
    ) -> Poll<Result<Option<Incoming>, H2Error>> {
        if self.interims {
            match ready!(self.response.poll_informational(cx)) {
                Some(Ok(interim)) => {
                    response_into(interim.status(), interim.headers(), self.headers_max, head)?;
                    return Poll::Ready(Ok(None));
                }
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => self.interims = false,
            }
        }
        let response = ready!(Pin::new(&mut self.response).poll(cx))?;
        let (parts, body) = response.into_parts();
        response_into(parts.status, &parts.headers, self.headers_max, head)?;
        let framing = framing_of(&parts.headers, body.is_end_stream())?;
        let bodiless = self.bodiless || matches!(head.status, 204 | 304);
        let framing = if bodiless { Framing::None } else { framing };
        Poll::Ready(Ok(Some(Incoming::new(body, framing))))
    }
}

/// Requests that may be open before the upstream has said how many (RFC 9113 section 6.5.2 recommends 100 at least).
const STREAMS_BEFORE_SETTINGS: usize = 100;
