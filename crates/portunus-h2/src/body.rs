//! The two ways of a stream after its head: pieces that come in, and pieces that go out.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http::HeaderMap;
use portunus_http::{Framing, HeaderIds, HeaderList};

use crate::fields::{map_of, trailers_into};
use crate::{ErrorCode, H2Error, H2ErrorKind, H2Fault};

/// A body that comes in.
///
/// The window of a piece is given back when the next one is asked for: a consumer that is slow makes the peer slow.
#[derive(Debug)]
pub struct Incoming {
    stream: RecvStream,
    framing: Framing,
    /// A piece that is there and was not taken.
    next: Option<Bytes>,
    /// Bytes that were taken and whose window is not given back yet.
    held: usize,
    fresh: bool,
    ended: bool,
    trailers: Option<HeaderList>,
}

impl Incoming {
    pub(crate) fn new(stream: RecvStream, framing: Framing) -> Self {
        let ended = stream.is_end_stream();
        Self { stream, framing, next: None, held: 0, fresh: true, ended, trailers: None }
    }

    /// How its length is known. [`Framing::Chunked`] stands for a length that its end will show.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// All of it was taken, trailers too.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.ended
    }

    /// Nothing of it was taken.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The next piece, the end, or a failure can be had without waiting.
    ///
    /// Forgets who waits in [`Incoming::poll_next`]: to be asked by the task that will wait next.
    pub fn is_ready(&mut self) -> bool {
        if self.ended || self.next.is_some() {
            return true;
        }
        match self.stream.poll_data(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(piece))) => {
                self.next = Some(piece);
                true
            }
            // The end and failures are said again to who asks for them.
            Poll::Ready(_) => true,
            Poll::Pending => false,
        }
    }

    /// The next piece; empty at the end, when the trailers are there.
    ///
    /// # Errors
    /// The stream or the connection ended early, or the trailers are not fit to be passed on.
    pub async fn next(&mut self) -> Result<Bytes, H2Error> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// See [`Incoming::next`].
    ///
    /// # Errors
    /// As [`Incoming::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, H2Error>> {
        self.release();
        while !self.ended {
            let piece = match self.next.take() {
                Some(piece) => Some(Ok(piece)),
                None => ready!(self.stream.poll_data(cx)),
            };
            match piece {
                Some(Ok(piece)) if piece.is_empty() => {}
                // Behind a head that has no content there is none (RFC 9110 section 6.4.1).
                Some(Ok(_)) if self.framing == Framing::None => {
                    return Poll::Ready(Err(H2Fault::BadLength.into()));
                }
                Some(Ok(piece)) => {
                    self.fresh = false;
                    self.held = piece.len();
                    return Poll::Ready(Ok(piece));
                }
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => {
                    let trailers = ready!(self.stream.poll_trailers(cx))?;
                    self.ended = true;
                    self.keep_trailers(trailers)?;
                }
            }
        }
        Poll::Ready(Ok(Bytes::new()))
    }

    /// The trailers, after the end.
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderList> {
        self.trailers.as_ref()
    }

    fn keep_trailers(&mut self, trailers: Option<HeaderMap>) -> Result<(), H2Error> {
        if let Some(fields) = trailers {
            let list = self.trailers.insert(HeaderList::default());
            trailers_into(&fields, list)?;
        }
        Ok(())
    }

    fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            // Of a stream that is gone there is no window.
            let _ = self.stream.flow_control().release_capacity(held);
        }
    }
}

/// A body that goes out. Small pieces are gathered until a flush.
#[derive(Debug)]
pub struct Outgoing {
    /// In a cell, since a reset is watched for while others look at the stream.
    stream: RefCell<SendStream<Bytes>>,
    gathered: Vec<u8>,
    end: End,
}

/// How far the end of a body is.
#[derive(Debug)]
enum End {
    /// More may come.
    Open,
    /// The end was said to us, and not to the peer.
    Due(Option<HeaderMap>),
    /// The peer knows.
    Sent,
}

impl Outgoing {
    pub(crate) fn new(stream: SendStream<Bytes>, ended: bool) -> Self {
        let end = if ended { End::Sent } else { End::Open };
        Self { stream: RefCell::new(stream), gathered: Vec::new(), end }
    }

    /// With a body that was gathered before, and perhaps its end; `sent` where the head said that already.
    pub(crate) fn prepared(
        stream: SendStream<Bytes>,
        gathered: Vec<u8>,
        ended: bool,
        sent: bool,
    ) -> Self {
        let end = match (ended, sent) {
            (_, true) => End::Sent,
            (true, false) => End::Due(None),
            (false, false) => End::Open,
        };
        Self { stream: RefCell::new(stream), gathered, end }
    }

    /// Gathers a piece, and sends what is more than a buffer.
    ///
    /// # Errors
    /// The stream is over.
    pub async fn body(&mut self, piece: &[u8]) -> Result<(), H2Error> {
        if self.gathered.len() + piece.len() > GATHER_BYTES_MAX {
            self.send_gathered(false).await?;
            if piece.len() > GATHER_BYTES_MAX {
                return self.send_now(Bytes::copy_from_slice(piece), false).await;
            }
        }
        self.gathered.extend_from_slice(piece);
        Ok(())
    }

    /// As [`Outgoing::body`], for a piece that need not be copied.
    ///
    /// # Errors
    /// The stream is over.
    pub async fn bytes(&mut self, piece: Bytes) -> Result<(), H2Error> {
        if piece.len() < COPY_BYTES_MAX {
            return self.body(&piece).await;
        }
        self.send_gathered(false).await?;
        self.send_now(piece, false).await
    }

    /// Ends the body; the flush after it tells the peer.
    pub fn end(&mut self, trailers: Option<&HeaderList>) {
        if matches!(self.end, End::Open) {
            let trailers = trailers.filter(|list| !list.is_empty());
            self.end = End::Due(trailers.map(|list| map_of(list, HeaderIds::NONE)));
        }
    }

    /// Hands all that was gathered to the connection, as far as the peer's windows let it.
    ///
    /// # Errors
    /// The stream is over.
    pub async fn flush(&mut self) -> Result<(), H2Error> {
        let last = matches!(self.end, End::Due(None));
        if !self.gathered.is_empty() {
            self.send_gathered(last).await?;
        }
        match std::mem::replace(&mut self.end, End::Sent) {
            End::Open => self.end = End::Open,
            End::Due(Some(trailers)) => self.stream.get_mut().send_trailers(trailers)?,
            End::Due(None) => self.stream.get_mut().send_data(Bytes::new(), true)?,
            End::Sent => {}
        }
        Ok(())
    }

    /// The peer was told of the end.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.end, End::Sent)
    }

    /// Breaks the stream off.
    pub fn reset(&mut self, code: ErrorCode) {
        self.end = End::Sent;
        self.stream.get_mut().send_reset(Reason::from(code.0));
    }

    /// Ready when the peer has broken the stream off, or the connection is over. To be polled while nothing else of
    /// this half is waited for.
    pub fn poll_reset(&self, cx: &mut Context<'_>) -> Poll<H2Error> {
        poll_ended(self.stream.borrow_mut().poll_reset(cx))
    }

    async fn send_gathered(&mut self, last: bool) -> Result<(), H2Error> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.gathered);
        self.send_now(Bytes::from(gathered), last).await
    }

    /// Hands `bytes` to the connection, as fast as the peer's windows open.
    async fn send_now(&mut self, mut bytes: Bytes, last: bool) -> Result<(), H2Error> {
        let stream = self.stream.get_mut();
        while !bytes.is_empty() {
            stream.reserve_capacity(bytes.len());
            let room = match stream.capacity() {
                0 => match poll_fn(|cx| stream.poll_capacity(cx)).await {
                    Some(room) => room?,
                    None => return Err(H2Error::CLOSED),
                },
                room => room,
            };
            let piece = bytes.split_to(room.min(bytes.len()));
            let last = last && bytes.is_empty();
            stream.send_data(piece, last)?;
            if last {
                self.end = End::Sent;
            }
        }
        Ok(())
    }
}

/// What a watch for a reset says.
pub(crate) fn poll_ended(polled: Poll<Result<Reason, h2::Error>>) -> Poll<H2Error> {
    polled.map(|ended| match ended {
        Ok(reason) => {
            let code = ErrorCode(reason.into());
            let unprocessed = code == ErrorCode::REFUSED_STREAM;
            H2Error { kind: H2ErrorKind::Reset(code), unprocessed }
        }
        Err(error) => H2Error::of(&error),
    })
}

/// How much is gathered: one DATA frame of the usual size.
const GATHER_BYTES_MAX: usize = 16 * 1024;
/// Pieces up to this length are cheaper to copy than to send in a frame of their own.
const COPY_BYTES_MAX: usize = 1024;
