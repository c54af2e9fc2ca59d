//! What changes of a session with every event.

use std::io::{self, ErrorKind, IoSlice};

use portunus_net::Io;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{CommonState, Error, InvalidMessage, ProtocolVersion};
use tokio::io::ReadBuf;

use super::step::{Event, Sealed, close, seal, step};
use crate::{TlsError, scratch};

/// A session of either side.
pub(crate) enum Side {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// A session's keys, and what is under way.
pub(super) struct State {
    side: Side,
    /// The beginning of a record or message that has not come whole. The library remembers places in it: it must get
    /// these bytes, and no others, with every call.
    partial: Vec<u8>,
    /// Decrypted bytes that whoever reads had no room for, from `plain_at` on.
    plain: Vec<u8>,
    plain_at: usize,
    /// Encrypted bytes that the socket has not taken.
    unsent: Vec<u8>,
    /// `unsent` holds only what can wait for the next write: the end of a handshake.
    can_wait: bool,
    /// The peer said that nothing more comes.
    peer_closed: bool,
    /// We said so.
    closed: bool,
    broken: bool,
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    /// More bytes of the peer are needed; what is left to be sent must be sent before.
    Blocked,
    /// It is done, but for what must be sent.
    Done,
    /// It is done, and what is left to be sent may go out with the first data.
    DoneButHeldBack,
}

/// Where plain bytes go.
pub(super) trait Sink {
    fn room(&self) -> usize;
    fn put(&mut self, bytes: &[u8]);
}

impl State {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            partial: Vec::new(),
            plain: Vec::new(),
            plain_at: 0,
            unsent: Vec::new(),
            can_wait: false,
            peer_closed: false,
            closed: false,
            broken: false,
        }
    }

    pub(super) fn side(&self) -> &Side {
        &self.side
    }

    /// Bytes of memory that wait for something.
    pub(super) fn held(&self) -> usize {
        self.partial.capacity() + self.plain.capacity() + self.unsent.capacity()
    }

    /// True when a read would give something, be it the end, without the socket.
    pub(super) fn is_readable(&self) -> bool {
        self.plain_at < self.plain.len() || self.peer_closed || self.broken
    }

    /// True when something waits for the next write to go out with it.
    pub(super) fn holds_back(&self) -> bool {
        self.can_wait && !self.unsent.is_empty()
    }

    pub(super) fn send_held_back(&mut self, socket: &Io) {
        if self.holds_back() {
            // Where it fails, whoever reads or writes next will see it.
            let _ = self.push(socket);
        }
    }

    pub(super) fn shake(&mut self, bytes: &[u8]) -> Result<Progress, TlsError> {
        // Whoever sends before the handshake is over gets it read afterwards: there is no room for it yet.
        let mut nowhere = Vec::new();
        let event = scratch::incoming(|incoming| {
            let kept = self.partial.len();
            scratch::grow(incoming, kept + bytes.len());
            let (room, _) = incoming.split_at_mut(kept + bytes.len());
            let (front, back) = room.split_at_mut(kept);
            front.copy_from_slice(&self.partial);
            back.copy_from_slice(bytes);
            self.process(room, &mut nowhere)
        });
        match event? {
            Event::Blocked => return Ok(Progress::Blocked),
            Event::PeerClosed if self.side.common().is_handshaking() => {
                return Err(TlsError::Closed);
            }
            // A client may end its handshake, ask, and say that it asks no more, all at once.
            Event::PeerClosed | Event::Ready => {}
        }
        self.can_wait = self.side.may_hold_back();
        Ok(if self.holds_back() { Progress::DoneButHeldBack } else { Progress::Done })
    }

    /// Gives what is there to `sink`, which has room.
    pub(super) fn read(&mut self, socket: &Io, sink: &mut dyn Sink) -> io::Result<usize> {
        let room = sink.room();
        loop {
            self.take_plain(sink);
            let taken = room - sink.room();
            if taken > 0 || room == 0 || self.peer_closed {
                return Ok(taken);
            }
            if self.broken {
                return Err(ErrorKind::InvalidData.into());
            }
            let filled = self.fill(socket, sink);
            // What came whole before the session broke still counts.
            if sink.room() == room {
                filled?;
            }
            let taken = room - sink.room();
            if taken > 0 {
                return Ok(taken);
            }
        }
    }

    /// Gives decrypted bytes that are there already.
    fn take_plain(&mut self, sink: &mut dyn Sink) {
        let there = self.plain.get(self.plain_at..).unwrap_or(&[]);
        let taken = there.len().min(sink.room());
        sink.put(there.get(..taken).unwrap_or(&[]));
        self.plain_at += taken;
        if self.plain_at >= self.plain.len() && self.plain_at > 0 {
            (self.plain, self.plain_at) = (Vec::new(), 0);
        }
    }

    /// Reads from the socket once, and decrypts what came.
    fn fill(&mut self, socket: &Io, sink: &mut dyn Sink) -> io::Result<()> {
        // A whole record in any case, but hardly more than there is room for: the rest would have to be kept.
        let most = READ_MAX.min(sink.room().saturating_add(RECORD_BYTES + RECORD_OVERHEAD));
        scratch::incoming(|incoming| {
            let kept = self.partial.len();
            scratch::grow(incoming, kept + most);
            let (front, back) = incoming.split_at_mut(kept);
            let read = socket.try_read_slice(back.get_mut(..most).unwrap_or(&mut []))?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            front.copy_from_slice(&self.partial);
            let event = self.process(incoming.get_mut(..kept + read).unwrap_or(&mut []), sink);
            // Answers to what came: alerts, refusals.
            if !self.unsent.is_empty() && !self.can_wait {
                let _ = self.push(socket);
            }
            event.map(drop).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
        })
    }

    /// Works through whole records. Plain bytes go to `sink` as far as it has room, the others are kept.
    fn process(&mut self, incoming: &mut [u8], sink: &mut dyn Sink) -> Result<Event, Error> {
        let mut used = 0;
        let (unsent, plain) = (&mut self.unsent, &mut self.plain);
        let mut give = |payload: &[u8]| {
            let room = if plain.is_empty() { sink.room() } else { 0 };
            let (now, later) = payload.split_at(room.min(payload.len()));
            sink.put(now);
            plain.extend_from_slice(later);
        };
        let event = loop {
            let left = incoming.get_mut(used..).unwrap_or(&mut []);
            let (discard, done) = match &mut self.side {
                Side::Server(conn) => step(conn.process_tls_records(left), unsent, &mut give),
                Side::Client(conn) => step(conn.process_tls_records(left), unsent, &mut give),
            };
            used += discard;
            match done {
                Ok(None) => {}
                Ok(Some(event)) => break Ok(event),
                Err(error) => break Err(error),
            }
        };
        self.keep(incoming.get(used..).unwrap_or(&[]), event)
    }

    /// Keeps what belongs to bytes that are still to come, and draws conclusions from the event.
    fn keep(&mut self, left: &[u8], event: Result<Event, Error>) -> Result<Event, Error> {
        let event = match event {
            // A message in tiny records takes many times its size.
            Ok(Event::Blocked | Event::Ready) if left.len() > PARTIAL_MAX => {
                Err(InvalidMessage::HandshakePayloadTooLarge.into())
            }
            event => event,
        };
        // A new vector: what `partial` once needed is not held on to. What follows the end is never looked at.
        let left = if event == Ok(Event::PeerClosed) { &[] } else { left };
        self.partial = left.to_vec();
        self.peer_closed |= event == Ok(Event::PeerClosed);
        if event.is_err() {
            self.broken = true;
            self.alert();
        }
        event
    }

    /// Encrypts, and sends what the socket takes. Gives how many bytes were taken.
    pub(super) fn write(&mut self, socket: &Io, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.can_wait && !self.unsent.is_empty() {
            self.push(socket)?;
        }
        if self.closed || self.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        scratch::outgoing(|outgoing| {
            let taken = match bytes {
                [one] => self.encrypt(one.get(..WRITE_MAX).unwrap_or(one), outgoing),
                many => scratch::gathered(|gathered| {
                    for slice in many {
                        let room = WRITE_MAX - gathered.len();
                        gathered.extend_from_slice(slice.get(..room).unwrap_or(slice));
                    }
                    self.encrypt(gathered, outgoing)
                }),
            };
            let (taken, filled) = taken?;
            let encrypted = outgoing.get(..filled).unwrap_or(&[]);
            let sent = match socket.try_write(&[IoSlice::new(encrypted)]) {
                Ok(sent) => sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => {
                    // The record is numbered, and will never be seen: no other may follow.
                    self.broken = true;
                    return Err(error);
                }
            };
            self.unsent = encrypted.get(sent..).unwrap_or(&[]).to_vec();
            self.can_wait = false;
            Ok(taken)
        })
    }

    /// Fills `outgoing` from its beginning: with what is held back, then `plain` in records. Gives how many bytes were
    /// taken, and how many are filled.
    fn encrypt(&mut self, plain: &[u8], outgoing: &mut Vec<u8>) -> io::Result<(usize, usize)> {
        let mut at = self.unsent.len();
        let records = plain.len() / RECORD_BYTES + 1;
        scratch::grow(outgoing, at + plain.len() + records * RECORD_OVERHEAD);
        if let Some(front) = outgoing.get_mut(..at) {
            front.copy_from_slice(&self.unsent);
        }
        loop {
            let partial = &mut self.partial;
            let (used, done) = match &mut self.side {
                Side::Server(conn) => seal(conn.process_tls_records(partial), plain, outgoing, at),
                Side::Client(conn) => seal(conn.process_tls_records(partial), plain, outgoing, at),
            };
            self.partial.drain(..used);
            match done {
                Ok(Sealed::All(bytes)) => return Ok((plain.len(), at + bytes)),
                Ok(Sealed::Before(bytes)) => at += bytes,
                Ok(Sealed::Short(bytes)) => scratch::grow(outgoing, at + bytes),
                Err(error) => {
                    self.broken = true;
                    return Err(error);
                }
            }
        }
    }

    /// Sends what is kept.
    pub(super) fn push(&mut self, socket: &Io) -> io::Result<()> {
        let mut sent = 0;
        let done = loop {
            let left = self.unsent.get(sent..).unwrap_or(&[]);
            if left.is_empty() {
                break Ok(());
            }
            match socket.try_write(&[IoSlice::new(left)]) {
                Ok(more) => sent += more,
                Err(error) => break Err(error),
            }
        };
        if sent >= self.unsent.len() {
            self.unsent = Vec::new();
            self.can_wait = false;
        } else {
            self.unsent.drain(..sent);
        }
        done
    }

    /// Appends the alert that tells the peer what went wrong.
    fn alert(&mut self) {
        let (unsent, partial) = (&mut self.unsent, &mut self.partial);
        // A broken session gives what it still has to send, a record a call: the alert may stand behind a part of the
        // handshake. One call more, and it would look at its bytes again.
        while self.side.common().wants_write() {
            let (_, event) = match &mut self.side {
                Side::Server(conn) => step(conn.process_tls_records(partial), unsent, |_| {}),
                Side::Client(conn) => step(conn.process_tls_records(partial), unsent, |_| {}),
            };
            if !matches!(event, Ok(None)) {
                break;
            }
        }
        self.can_wait = false;
    }

    /// Appends what says that nothing more will come from us.
    pub(super) fn farewell(&mut self) {
        if self.closed || self.broken {
            return;
        }
        self.closed = true;
        self.can_wait = false;
        let mut room = [0u8; RECORD_OVERHEAD];
        let partial = &mut self.partial;
        loop {
            let done = match &mut self.side {
                Side::Server(conn) => close(conn.process_tls_records(partial), &mut room),
                Side::Client(conn) => close(conn.process_tls_records(partial), &mut room),
            };
            let (bytes, is_last) = match done {
                Some(Sealed::Before(bytes)) => (bytes, false),
                Some(Sealed::All(bytes)) => (bytes, true),
                _ => return,
            };
            self.unsent.extend_from_slice(room.get(..bytes).unwrap_or(&[]));
            if is_last {
                return;
            }
        }
    }
}

impl Side {
    /// Whether what a handshake ends with may go out with the first data: a client's part, and a server's tickets.
    /// Not so a server's part in TLS 1.2, which the client waits for.
    fn may_hold_back(&self) -> bool {
        match self {
            Self::Server(conn) => conn.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            Self::Client(_) => true,
        }
    }

    pub(crate) fn common(&self) -> &CommonState {
        match self {
            Self::Server(conn) => conn,
            Self::Client(conn) => conn,
        }
    }
}

impl Sink for Vec<u8> {
    fn room(&self) -> usize {
        self.capacity() - self.len()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for ReadBuf<'_> {
    fn room(&self) -> usize {
        self.remaining()
    }

    fn put(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }
}

/// The most that is read from a socket at once.
const READ_MAX: usize = 64 * 1024;
/// The most plain bytes that one write takes.
const WRITE_MAX: usize = 64 * 1024;
/// Plain bytes of a record (RFC 8446 section 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// The most that encryption adds to a record (RFC 8446 section 5.2).
const RECORD_OVERHEAD: usize = 5 + 256;
/// The most that is kept of a record or message that has not come whole. The library takes messages of up to 64 KiB.
const PARTIAL_MAX: usize = 96 * 1024;

#[cfg(test)]
mod tests;
