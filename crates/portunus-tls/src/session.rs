//! An established or beginning session over a socket.
//!
//! Nothing is held between events but the keys: bytes come from the socket into working memory of the thread, are
//! decrypted there and copied once to whoever reads. What is written is encrypted there and sent at once. Only a
//! record that has come in part, and what the socket did not take, is kept.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll, ready};

use portunus_net::{Io, Layer};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{CommonState, Error, ProtocolVersion};

use crate::{TlsError, scratch};

/// A session of either side.
pub(crate) enum Side {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// A socket under TLS.
pub(crate) struct Session {
    socket: Io,
    state: RefCell<State>,
}

/// What changes with every event.
pub(crate) struct State {
    side: Side,
    /// The beginning of a record that has not come whole.
    partial: Vec<u8>,
    /// Decrypted bytes that whoever reads had no room for, from `plain_at` on.
    plain: Vec<u8>,
    plain_at: usize,
    /// Encrypted bytes that the socket has not taken.
    unsent: Vec<u8>,
    /// `unsent` holds only what can wait for the next write: tickets.
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
    /// More bytes of the peer are needed.
    Blocked,
    /// It is done.
    Done,
}

/// What a look at incoming bytes ended with.
enum Event {
    /// It needs more bytes, or wants to send: the session is up or still shakes hands.
    Blocked,
    Ready,
    /// The peer said that nothing more comes.
    PeerClosed,
}

impl Session {
    pub(crate) fn new(socket: Io, side: Side) -> Self {
        let state = State {
            side,
            partial: Vec::new(),
            plain: Vec::new(),
            plain_at: 0,
            unsent: Vec::new(),
            can_wait: false,
            peer_closed: false,
            closed: false,
            broken: false,
        };
        Self { socket, state: RefCell::new(state) }
    }

    pub(crate) fn with_side<R>(&self, look: impl FnOnce(&Side) -> R) -> R {
        look(&self.state.borrow().side)
    }

    /// Takes bytes of the handshake in, and computes the next step. An alert that says why it failed is left to be
    /// sent.
    pub(crate) fn shake(&self, bytes: &[u8]) -> Result<Progress, TlsError> {
        let mut state = self.state.borrow_mut();
        let mut early = Vec::new();
        let event = scratch::incoming(|incoming| {
            incoming.append(&mut state.partial);
            incoming.extend_from_slice(bytes);
            state.process(incoming, &mut early)
        });
        // Whoever sends before the handshake is over gets it read afterwards.
        state.plain.append(&mut early);
        match event {
            Ok(Event::Ready) => {
                state.can_wait = state.side.may_wait();
                Ok(Progress::Done)
            }
            Ok(Event::Blocked) => Ok(Progress::Blocked),
            Ok(Event::PeerClosed) => Err(TlsError::Closed),
            Err(error) => {
                state.alert();
                Err(error.into())
            }
        }
    }

    /// Whether what is left to be sent may wait for the first data.
    pub(crate) fn may_wait(&self) -> bool {
        self.state.borrow().can_wait
    }

    /// Sends what the handshake left to be sent.
    pub(crate) async fn send(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Sends what the socket takes at once; for farewells.
    pub(crate) fn send_now(&self) {
        let _ = self.state.borrow_mut().push(&self.socket);
    }

    /// True when tickets wait for the first answer.
    fn flush_tickets(&self) {
        let mut state = self.state.borrow_mut();
        if state.can_wait {
            let _ = state.push(&self.socket);
        }
    }
}

impl Layer for Session {
    fn socket(&self) -> &Io {
        &self.socket
    }

    fn try_read(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let before = buf.len();
        loop {
            let mut state = self.state.borrow_mut();
            if state.take_plain(buf) > 0 {
                return Ok(buf.len() - before);
            }
            if state.peer_closed {
                return Ok(0);
            }
            if state.broken {
                return Err(ErrorKind::InvalidData.into());
            }
            let filled = state.fill(&self.socket, buf);
            drop(state);
            match filled {
                Ok(()) if buf.len() > before => return Ok(buf.len() - before),
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.flush_tickets();
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = self.state.borrow();
        if state.plain_at < state.plain.len() || state.peer_closed || state.broken {
            return Poll::Ready(Ok(()));
        }
        drop(state);
        self.socket.poll_readable(cx)
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.state.borrow_mut().write(&self.socket, bytes)
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let pushed = self.state.borrow_mut().push(&self.socket);
            match pushed {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.socket.poll_writable(cx))?;
                }
                done => return Poll::Ready(done),
            }
        }
    }

    fn shutdown_write(&self) {
        let mut state = self.state.borrow_mut();
        state.farewell();
        let _ = state.push(&self.socket);
        drop(state);
        self.socket.shutdown_write();
    }
}

impl State {
    /// Gives decrypted bytes that are there already.
    fn take_plain(&mut self, buf: &mut Vec<u8>) -> usize {
        let there = self.plain.get(self.plain_at..).unwrap_or(&[]);
        let taken = there.len().min(buf.capacity() - buf.len());
        buf.extend_from_slice(there.get(..taken).unwrap_or(&[]));
        self.plain_at += taken;
        if self.plain_at >= self.plain.len() && self.plain_at > 0 {
            (self.plain, self.plain_at) = (Vec::new(), 0);
        }
        taken
    }

    /// Reads from the socket once, and decrypts what came.
    fn fill(&mut self, socket: &Io, buf: &mut Vec<u8>) -> io::Result<()> {
        scratch::incoming(|incoming| {
            incoming.reserve(READ_BYTES.max(self.partial.len() * 2));
            incoming.append(&mut self.partial);
            let read = socket.try_read(incoming);
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) => {
                    self.partial.extend_from_slice(incoming);
                    return Err(error);
                }
            }
            let event = self.process(incoming, buf);
            // Answers to what came: keys that changed, alerts.
            if !self.unsent.is_empty() && !self.can_wait {
                let _ = self.push(socket);
            }
            match event {
                Ok(Event::PeerClosed) => {
                    self.peer_closed = true;
                    Ok(())
                }
                Ok(Event::Blocked | Event::Ready) => Ok(()),
                Err(error) => {
                    self.broken = true;
                    self.alert();
                    let _ = self.push(socket);
                    Err(io::Error::new(ErrorKind::InvalidData, error))
                }
            }
        })
    }

    /// Works through whole records. Plain bytes go to `buf` as far as it has room, the others are kept.
    fn process(&mut self, incoming: &mut [u8], buf: &mut Vec<u8>) -> Result<Event, Error> {
        let mut used = 0;
        let event = loop {
            let left = incoming.get_mut(used..).unwrap_or(&mut []);
            let (discard, step) = match &mut self.side {
                Side::Server(conn) => {
                    step(conn.process_tls_records(left), &mut self.unsent, buf, &mut self.plain)
                }
                Side::Client(conn) => {
                    step(conn.process_tls_records(left), &mut self.unsent, buf, &mut self.plain)
                }
            };
            used += discard;
            match step {
                Ok(None) => {}
                Ok(Some(event)) => break Ok(event),
                Err(error) => break Err(error),
            }
        };
        self.partial.extend_from_slice(incoming.get(used..).unwrap_or(&[]));
        event
    }

    /// Encrypts, and sends what the socket takes.
    fn write(&mut self, socket: &Io, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.can_wait && !self.unsent.is_empty() {
            self.push(socket)?;
        }
        if self.closed || self.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let taken = scratch::outgoing(|outgoing| {
            outgoing.append(&mut self.unsent);
            self.can_wait = false;
            let taken = match bytes {
                [one] => self.encrypt(one.get(..WRITE_MAX).unwrap_or(one), outgoing),
                many => scratch::gathered(|gathered| {
                    for slice in many {
                        let room = WRITE_MAX - gathered.len();
                        gathered.extend_from_slice(slice.get(..room).unwrap_or(slice));
                    }
                    self.encrypt(gathered, outgoing)
                }),
            }?;
            self.unsent = Vec::new();
            let sent = match socket.try_write(&[IoSlice::new(outgoing)]) {
                Ok(sent) => sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.unsent.extend_from_slice(outgoing.get(sent..).unwrap_or(&[]));
            Ok(taken)
        })?;
        Ok(taken)
    }

    /// Appends `plain` in records.
    fn encrypt(&mut self, plain: &[u8], outgoing: &mut Vec<u8>) -> io::Result<usize> {
        let start = outgoing.len();
        let records = plain.len() / RECORD_BYTES + 1;
        outgoing.resize(start + plain.len() + records * RECORD_OVERHEAD, 0);
        let mut at = start;
        loop {
            let room = outgoing.get_mut(at..).unwrap_or(&mut []);
            let partial = &mut self.partial;
            let (used, done) = match &mut self.side {
                Side::Server(conn) => seal(conn.process_tls_records(partial), plain, room),
                Side::Client(conn) => seal(conn.process_tls_records(partial), plain, room),
            };
            self.partial.drain(..used);
            match done {
                Ok(Sealed::All(bytes)) => {
                    outgoing.truncate(at + bytes);
                    return Ok(plain.len());
                }
                Ok(Sealed::Before(bytes)) => at += bytes,
                Ok(Sealed::Short(bytes)) => outgoing.resize(at + bytes, 0),
                Err(error) => {
                    outgoing.truncate(at);
                    self.broken = true;
                    return Err(error);
                }
            }
        }
    }

    /// Sends what is kept.
    fn push(&mut self, socket: &Io) -> io::Result<()> {
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

    /// The alert that tells the peer what went wrong.
    fn alert(&mut self) {
        let (unsent, partial) = (&mut self.unsent, &mut self.partial);
        // One call: a broken session gives what it still has to send before it looks at its bytes.
        let (mut nothing, mut none) = (Vec::new(), Vec::new());
        let _ = match &mut self.side {
            Side::Server(conn) => {
                step(conn.process_tls_records(partial), unsent, &mut nothing, &mut none)
            }
            Side::Client(conn) => {
                step(conn.process_tls_records(partial), unsent, &mut nothing, &mut none)
            }
        };
    }

    /// Says that nothing more will come from us.
    fn farewell(&mut self) {
        if self.closed || self.broken {
            return;
        }
        self.closed = true;
        let mut bytes = [0u8; RECORD_OVERHEAD];
        let partial = &mut self.partial;
        let written = match &mut self.side {
            Side::Server(conn) => close(conn.process_tls_records(partial), &mut bytes),
            Side::Client(conn) => close(conn.process_tls_records(partial), &mut bytes),
        };
        self.unsent.extend_from_slice(bytes.get(..written).unwrap_or(&[]));
        self.can_wait = false;
    }
}

impl Side {
    /// Whether what a handshake ends with may go out with the first data: a client's part, and a server's tickets.
    /// Not so a server's part in TLS 1.2, which the client waits for.
    fn may_wait(&self) -> bool {
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

/// Handles one state; what it was, when it is one to stop at, and how many bytes were used.
fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    unsent: &mut Vec<u8>,
    buf: &mut Vec<u8>,
    plain: &mut Vec<u8>,
) -> (usize, Result<Option<Event>, Error>) {
    let UnbufferedStatus { mut discard, state } = status;
    let event = match state {
        Err(error) => return (discard, Err(error)),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        give(record.payload, buf, plain);
                    }
                    Err(error) => return (discard, Err(error)),
                }
            }
            None
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let start = unsent.len();
            let wanted = match data.encode(&mut []) {
                Err(EncodeError::InsufficientSize(size)) => size.required_size,
                _ => 0,
            };
            unsent.resize(start + wanted, 0);
            let written = data.encode(unsent.get_mut(start..).unwrap_or(&mut [])).unwrap_or(0);
            unsent.truncate(start + written);
            None
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            None
        }
        Ok(ConnectionState::BlockedHandshake) => Some(Event::Blocked),
        Ok(ConnectionState::WriteTraffic(_)) => Some(Event::Ready),
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Some(Event::PeerClosed),
        // Early data is never asked for.
        Ok(_) => Some(Event::Blocked),
    };
    (discard, Ok(event))
}

/// Puts plain bytes where they are wanted, as far as there is room; the others are kept.
fn give(payload: &[u8], buf: &mut Vec<u8>, plain: &mut Vec<u8>) {
    let room = if plain.is_empty() { buf.capacity() - buf.len() } else { 0 };
    let (now, later) = payload.split_at(room.min(payload.len()));
    buf.extend_from_slice(now);
    plain.extend_from_slice(later);
}

/// What became of an attempt to encrypt.
enum Sealed {
    /// All of it, in so many bytes.
    All(usize),
    /// Something else had to go out before, in so many bytes.
    Before(usize),
    /// So many bytes of room are needed.
    Short(usize),
}

fn seal<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    plain: &[u8],
    room: &mut [u8],
) -> (usize, io::Result<Sealed>) {
    let UnbufferedStatus { discard, state } = status;
    let failed = |error: Error| io::Error::new(ErrorKind::InvalidData, error);
    (discard, state.map_err(failed).and_then(|state| seal_in(state, plain, room)))
}

fn seal_in<Data>(
    state: ConnectionState<'_, '_, Data>,
    plain: &[u8],
    room: &mut [u8],
) -> io::Result<Sealed> {
    match state {
        ConnectionState::WriteTraffic(mut traffic) => match traffic.encrypt(plain, room) {
            Ok(bytes) => Ok(Sealed::All(bytes)),
            Err(EncryptError::InsufficientSize(size)) => Ok(Sealed::Short(size.required_size)),
            Err(_) => Err(ErrorKind::InvalidData.into()),
        },
        ConnectionState::EncodeTlsData(mut data) => match data.encode(room) {
            Ok(bytes) => Ok(Sealed::Before(bytes)),
            Err(EncodeError::InsufficientSize(size)) => Ok(Sealed::Short(size.required_size)),
            Err(_) => Ok(Sealed::Before(0)),
        },
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(Sealed::Before(0))
        }
        // The peer has closed its way; ours is still open.
        ConnectionState::PeerClosed => Ok(Sealed::Before(0)),
        _ => Err(ErrorKind::BrokenPipe.into()),
    }
}

fn close<Data>(status: UnbufferedStatus<'_, '_, Data>, room: &mut [u8]) -> usize {
    match status.state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            traffic.queue_close_notify(room).unwrap_or(0)
        }
        _ => 0,
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        let held = state.partial.capacity() + state.plain.capacity() + state.unsent.capacity();
        f.debug_struct("Session")
            .field("socket", &self.socket)
            .field("held", &held)
            .finish_non_exhaustive()
    }
}

/// How much is read from a socket at once.
const READ_BYTES: usize = 64 * 1024;
/// The most plain bytes that one write takes.
const WRITE_MAX: usize = 64 * 1024;
/// Plain bytes of a record (RFC 8446 section 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// The most that encryption adds to a record (RFC 8446 section 5.2).
const RECORD_OVERHEAD: usize = 5 + 256;
