//! One state of the TLS library at a time: what it is handled with, and what it asks for.

use std::io::{self, ErrorKind};

use rustls::Error;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};

use crate::scratch;

/// What a look at incoming bytes ended with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// The handshake needs more bytes.
    Blocked,
    /// The session is up, and all whole records were handled.
    Ready,
    /// The peer said that nothing more comes.
    PeerClosed,
}

/// Handles one state: how many bytes were used, and the event when it is one to stop at. `unsent` gets what is to be
/// sent, `give` plain bytes.
pub(super) fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    unsent: &mut Vec<u8>,
    mut give: impl FnMut(&[u8]),
) -> (usize, Result<Option<Event>, Error>) {
    let UnbufferedStatus { mut discard, state } = status;
    let event = match state {
        Err(error) => return (discard, Err(error)),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        give(record.payload);
                    }
                    Err(error) => return (discard, Err(error)),
                }
            }
            None
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            append(unsent, |room| data.encode(room));
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

/// Appends what `encode` writes.
fn append(unsent: &mut Vec<u8>, encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) {
    let start = unsent.len();
    let written = encode_at(unsent, start, encode);
    unsent.truncate(start + written);
}

/// Lets `encode` write from `at` on, with as much room as it asks for. Gives how much it wrote.
fn encode_at(
    bytes: &mut Vec<u8>,
    at: usize,
    mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> usize {
    match encode(bytes.get_mut(at..).unwrap_or(&mut [])) {
        Err(EncodeError::InsufficientSize(size)) => {
            scratch::grow(bytes, at + size.required_size);
            encode(bytes.get_mut(at..).unwrap_or(&mut [])).unwrap_or(0)
        }
        written => written.unwrap_or(0),
    }
}

/// What became of an attempt to encrypt.
pub(super) enum Sealed {
    /// All of it, in so many bytes.
    All(usize),
    /// Something else had to go out before, in so many bytes.
    Before(usize),
    /// So many bytes of room are needed.
    Short(usize),
}

/// Encrypts `plain` into `outgoing` from `at` on, or what has to go out before it. Also how many incoming bytes were
/// used.
pub(super) fn seal<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    plain: &[u8],
    outgoing: &mut Vec<u8>,
    at: usize,
) -> (usize, io::Result<Sealed>) {
    let UnbufferedStatus { discard, state } = status;
    let sealed = match state {
        Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            match traffic.encrypt(plain, outgoing.get_mut(at..).unwrap_or(&mut [])) {
                Ok(bytes) => Ok(Sealed::All(bytes)),
                Err(EncryptError::InsufficientSize(size)) => Ok(Sealed::Short(size.required_size)),
                Err(_) => Err(ErrorKind::InvalidData.into()),
            }
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            // What does not fit must grow here: it is lost with the state.
            Ok(Sealed::Before(encode_at(outgoing, at, |room| data.encode(room))))
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Ok(Sealed::Before(0))
        }
        // The peer has closed its way; ours is still open.
        Ok(ConnectionState::PeerClosed) => Ok(Sealed::Before(0)),
        Ok(_) => Err(ErrorKind::BrokenPipe.into()),
    };
    (discard, sealed)
}

/// The farewell, after what has to go out before it; None when the session has no more to say.
pub(super) fn close<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    room: &mut [u8],
) -> Option<Sealed> {
    match status.state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            traffic.queue_close_notify(room).ok().map(Sealed::All)
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => data.encode(room).ok().map(Sealed::Before),
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Some(Sealed::Before(0))
        }
        Ok(ConnectionState::PeerClosed) => Some(Sealed::Before(0)),
        _ => None,
    }
}
