//! From a socket to a session.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use portunus_base::TlsFacts;
use portunus_net::Io;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use crate::client::ClientTls;
use crate::facts::facts;
use crate::gate::HandshakeGate;
use crate::server::ServerTls;
use crate::session::{Progress, Session, Side};
use crate::store::{Names, take_asked};
use crate::{TlsError, scratch};

/// A client's connection after its handshake.
#[derive(Debug)]
pub struct Accepted {
    /// The socket under TLS.
    pub io: Io,
    /// What the handshake told.
    pub facts: Rc<TlsFacts>,
    /// The names that the certificate was good for.
    pub names: Names,
}

/// Shakes hands with a client. `early` was read from the socket already. The caller bounds the time.
///
/// # Errors
/// The handshake failed; the client was sent an alert where it speaks TLS.
pub async fn accept(
    io: Io,
    early: &[u8],
    tls: &Arc<ServerTls>,
    gate: &HandshakeGate,
) -> Result<Accepted, TlsError> {
    let conn = UnbufferedServerConnection::new(tls.config())?;
    let session = Session::new(io, Side::Server(Box::new(conn)));
    let name = shake_hands(&session, early, Some(gate)).await?;
    let names = tls.names_for(name.as_deref());
    let facts = Rc::new(session.with_side(|side| facts(side.common(), name, true)));
    Ok(Accepted { io: Io::Layered(Box::new(session)), facts, names })
}

/// Shakes hands with an upstream that is called `host` where the settings name no other. The caller bounds the time.
///
/// # Errors
/// The handshake failed: see [`TlsError::kind`].
pub async fn connect(
    io: Io,
    tls: &Arc<ClientTls>,
    host: &str,
) -> Result<(Io, Rc<TlsFacts>), TlsError> {
    let name = tls.name_for(host)?;
    let conn = UnbufferedClientConnection::new(tls.config(), name)?;
    let session = Session::new(io, Side::Client(Box::new(conn)));
    shake_hands(&session, &[], None).await?;
    let facts = Rc::new(session.with_side(|side| facts(side.common(), None, false)));
    Ok((Io::Layered(Box::new(session)), facts))
}

/// Does it step by step. Gives the name that a client asked for.
async fn shake_hands(
    session: &Session,
    early: &[u8],
    gate: Option<&HandshakeGate>,
) -> Result<Option<Box<str>>, TlsError> {
    let mut bytes = early.to_vec();
    let mut name = None;
    loop {
        let mut step = || {
            let progress = session.shake(&bytes);
            name = take_asked().or_else(|| name.take());
            progress
        };
        let progress = match gate {
            Some(gate) if !bytes.is_empty() => gate.pass(step).await,
            _ => step(),
        };
        match progress {
            Ok(Progress::Done) if session.may_wait() => return Ok(name),
            Ok(Progress::Done) => {
                session.send().await?;
                return Ok(name);
            }
            Ok(Progress::Blocked) => session.send().await?,
            Err(error) => {
                session.send_now();
                return Err(error);
            }
        }
        bytes = read(session).await?;
    }
}

/// The next bytes of the peer.
async fn read(session: &Session) -> Result<Vec<u8>, TlsError> {
    let socket = portunus_net::Layer::socket(session);
    loop {
        let read = scratch::incoming(|incoming| {
            incoming.reserve(READ_BYTES);
            socket.try_read(incoming).map(|count| incoming.get(..count).unwrap_or(&[]).to_vec())
        });
        match read {
            Ok(bytes) if bytes.is_empty() => return Err(TlsError::Closed),
            Ok(bytes) => return Ok(bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => socket.readable().await?,
            Err(error) => return Err(gone(error)),
        }
    }
}

fn gone(error: io::Error) -> TlsError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => TlsError::Closed,
        _ => TlsError::Io(error),
    }
}

/// How much of a handshake is read at once.
const READ_BYTES: usize = 16 * 1024;
