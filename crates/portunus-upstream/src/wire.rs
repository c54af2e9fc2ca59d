//! Bodies of HTTP/1 between a socket and a buffer: the same on the client's side and the upstream's.
//!
//! A body is read as pieces of the read buffer, never copied; it is written behind what is pending, or past it when
//! it is large.

use std::io;
use std::ops::Range;

use portunus_h1::{CHUNK_END, Chunked, H1Error, LAST_CHUNK, Limits};
use portunus_http::{Framing, HeaderList};
use portunus_net::Io;

/// Bytes that were read and not used yet.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: Vec<u8>,
    at: usize,
}

impl ReadBuffer {
    /// A buffer over `bytes`, whose room bounds each read.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// What is there.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// True when nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Uses up `count` bytes.
    pub fn consume(&mut self, count: usize) -> Range<usize> {
        let start = self.at;
        self.at = (self.at + count).min(self.bytes.len());
        start..self.at
    }

    /// A piece that was used up since the last [`ReadBuffer::make_room`].
    #[must_use]
    pub fn piece(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or(&[])
    }

    /// Room for the next read: what is left moves to the front, and the buffer grows by `more` when it is full.
    pub fn make_room(&mut self, more: usize) -> &mut Vec<u8> {
        if self.is_empty() {
            self.bytes.clear();
            self.at = 0;
        } else if self.bytes.len() == self.bytes.capacity() && self.at > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        if self.bytes.len() == self.bytes.capacity() {
            self.bytes.reserve(more);
        }
        &mut self.bytes
    }

    /// Reads once, with room for `more` when the buffer is full.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn read(&mut self, io: &Io, more: usize) -> io::Result<usize> {
        io.read(self.make_room(more)).await
    }

    /// The memory, for its pool.
    #[must_use]
    pub fn into_inner(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads one body.
#[derive(Debug)]
pub struct BodyReader {
    state: State,
    fresh: bool,
}

#[derive(Debug)]
enum State {
    Length(u64),
    Chunked(Box<Chunked>),
    Close,
    End(Option<Box<Chunked>>),
}

/// What a look at the read buffer gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// A piece of the body, in the buffer.
    Piece(Range<usize>),
    /// More bytes must be read first.
    Starved,
    /// The body is over.
    End,
}

/// Why a body could not be read.
#[derive(Debug)]
pub enum BodyFault {
    /// It breaks the framing.
    Framing(H1Error),
    /// The socket failed.
    Io(io::Error),
    /// The stream ended before the body did.
    Truncated,
}

impl BodyReader {
    /// A reader at the start of a body.
    #[must_use]
    pub fn new(framing: Framing, limits: &Limits) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::End(None),
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::Chunked(Box::new(Chunked::new(limits))),
            Framing::Close => State::Close,
        };
        Self { state, fresh: true }
    }

    /// True when the whole body was taken.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.state, State::End(_))
    }

    /// True while nothing of the body was taken.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Bytes still to come, where the length is known.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::End(_) => Some(0),
            State::Chunked(_) | State::Close => None,
        }
    }

    /// The trailers, once the body is over.
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderList> {
        match &self.state {
            State::End(Some(chunked)) => Some(chunked.trailers()).filter(|list| !list.is_empty()),
            _ => None,
        }
    }

    /// Takes the next piece from what was read.
    ///
    /// # Errors
    /// The bytes break the framing.
    pub fn step(&mut self, buffer: &mut ReadBuffer) -> Result<Step, H1Error> {
        let there = buffer.filled().len();
        let step = match &mut self.state {
            State::End(_) => return Ok(Step::End),
            _ if there == 0 => return Ok(Step::Starved),
            State::Close => Step::Piece(buffer.consume(there)),
            State::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(there);
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::End(None);
                }
                Step::Piece(buffer.consume(taken))
            }
            State::Chunked(chunked) => {
                let event = chunked.decode(buffer.filled())?;
                let base = buffer.consume(event.consumed).start;
                let piece = base + event.data.start..base + event.data.end;
                if event.end {
                    self.end_chunked();
                }
                match (piece.is_empty(), event.end) {
                    (false, _) => Step::Piece(piece),
                    (true, true) => Step::End,
                    (true, false) => Step::Starved,
                }
            }
        };
        self.fresh &= step == Step::Starved;
        Ok(step)
    }

    fn end_chunked(&mut self) {
        let state = std::mem::replace(&mut self.state, State::End(None));
        if let State::Chunked(chunked) = state {
            self.state = State::End(Some(chunked));
        }
    }

    /// The stream has ended: that ends a close-delimited body, and cuts any other.
    ///
    /// # Errors
    /// The body was not over.
    pub fn close(&mut self) -> Result<(), BodyFault> {
        match self.state {
            State::Close => self.state = State::End(None),
            State::End(_) => {}
            State::Length(_) | State::Chunked(_) => return Err(BodyFault::Truncated),
        }
        Ok(())
    }

    /// Bytes that something else moved, past the buffer.
    pub fn moved(&mut self, bytes: u64) {
        if let State::Length(left) = &mut self.state {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.state = State::End(None);
            }
        }
    }

    /// Waits for the next piece; an empty one is the end.
    ///
    /// # Errors
    /// See [`BodyFault`].
    pub async fn next(
        &mut self,
        io: &Io,
        buffer: &mut ReadBuffer,
    ) -> Result<Range<usize>, BodyFault> {
        loop {
            match self.step(buffer).map_err(BodyFault::Framing)? {
                Step::Piece(piece) => return Ok(piece),
                Step::End => return Ok(0..0),
                Step::Starved => {
                    if buffer.read(io, READ_BYTES).await.map_err(BodyFault::Io)? == 0 {
                        self.close()?;
                    }
                }
            }
        }
    }
}

/// Writes one message: what is pending, and a body.
#[derive(Debug)]
pub struct Outgoing {
    /// Bytes to be written, the head first.
    pub pending: Vec<u8>,
    /// How the body is framed.
    pub framing: Framing,
    /// Something reached the socket.
    pub started: bool,
}

impl Outgoing {
    /// A message with nothing in it yet.
    #[must_use]
    pub fn new(pending: Vec<u8>) -> Self {
        Self { pending, framing: Framing::None, started: false }
    }

    /// Adds a piece of the body. A large one is written at once, together with what is pending; `note` is told of all
    /// bytes as the socket takes them.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn body(&mut self, io: &Io, piece: &[u8], note: impl Fn(usize)) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        let chunked = self.framing == Framing::Chunked;
        if chunked {
            portunus_h1::encode_chunk_size(piece.len(), &mut self.pending);
        }
        if self.pending.len() + piece.len() <= PENDING_MAX {
            self.pending.extend_from_slice(piece);
        } else {
            self.started = true;
            io.write_both(&self.pending, piece, note).await?;
            self.pending.clear();
        }
        if chunked {
            self.pending.extend_from_slice(CHUNK_END);
        }
        Ok(())
    }

    /// Ends the body.
    pub fn end(&mut self, trailers: Option<&HeaderList>) {
        if self.framing == Framing::Chunked {
            self.pending.extend_from_slice(LAST_CHUNK);
            match trailers {
                Some(trailers) => portunus_h1::encode_trailers(trailers, &mut self.pending),
                None => self.pending.extend_from_slice(CHUNK_END),
            }
        }
    }

    /// Writes what is pending. `note` is told of all bytes as the socket takes them.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn flush(&mut self, io: &Io, note: impl Fn(usize)) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.started = true;
            io.write_all_noting(&self.pending, note).await?;
            self.pending.clear();
        }
        Ok(())
    }
}

/// Pieces up to this size are gathered with others into one write.
const PENDING_MAX: usize = 16 * 1024;
/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;
