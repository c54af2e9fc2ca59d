//! From a socket to a session.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use portunus_base::TlsFacts;
use portunus_net::{Io, Layer as _};
use portunus_preface::client_hello::{Peek, peek};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{CertificateError, Error, ServerConfig};

use crate::certificate::Names;
use crate::client::ClientTls;
use crate::facts::facts;
use crate::gate::{HandshakeGate, Step};
use crate::server::ServerTls;
use crate::session::{Progress, Session, Side};
use crate::store::{Served, take_served};
use crate::{ACME_ALPN, TlsError, scratch};

/// A client's connection after its handshake.
#[derive(Debug)]
pub struct Accepted {
    /// The socket under TLS.
    pub io: Io,
    /// What the handshake told.
    pub facts: Rc<TlsFacts>,
    /// The names that the certificate that was served is good for.
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
    let mut early = early.to_vec();
    let config = config_for(&io, &mut early, tls).await?;
    let conn = UnbufferedServerConnection::new(config)?;
    let session = Session::new(io, Side::Server(Box::new(conn)));
    let served = shake_hands(&session, early, Some(gate)).await?;
    let (name, names) = served.map_or_else(Default::default, |served| (served.name, served.names));
    let facts = session.with_side(|side| facts(side.common(), name, true));
    if tls.is_over(&facts) {
        return Err(Error::InvalidCertificate(CertificateError::Expired).into());
    }
    Ok(Accepted { io: Io::Layered(Box::new(session)), facts: Rc::new(facts), names })
}

/// The settings for a client: while answers to challenges of ACME are up, it may be an authority that wants one. That
/// needs another protocol of ALPN, and no certificate of the client.
async fn config_for(
    io: &Io,
    early: &mut Vec<u8>,
    tls: &ServerTls,
) -> Result<Arc<ServerConfig>, TlsError> {
    let Some(challenge) = tls.challenge_config() else { return Ok(tls.config()) };
    loop {
        let mut joined = Vec::new();
        let asks = match peek(early, &mut joined) {
            Ok(Peek::Incomplete) => None,
            Ok(Peek::Complete(mut hello)) => Some(hello.alpn.any(|name| name == ACME_ALPN)),
            // What is wrong with it, the handshake tells.
            Err(_) => Some(false),
        };
        match asks {
            Some(true) => return Ok(challenge),
            Some(false) => return Ok(tls.config()),
            None => early.extend(read(io).await?),
        }
    }
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
    connect_offering(io, tls, host, tls.alpn()).await
}

/// As [`connect`], with other protocols to agree on than those of the settings, the best first; none are fine.
///
/// # Errors
/// The handshake failed: see [`TlsError::kind`].
pub async fn connect_offering(
    io: Io,
    tls: &Arc<ClientTls>,
    host: &str,
    alpn: &[Vec<u8>],
) -> Result<(Io, Rc<TlsFacts>), TlsError> {
    let name = tls.name_for(host)?;
    let conn = UnbufferedClientConnection::new_with_alpn(tls.config(), name, alpn.to_vec())?;
    let session = Session::new(io, Side::Client(Box::new(conn)));
    shake_hands(&session, Vec::new(), None).await?;
    let facts = Rc::new(session.with_side(|side| facts(side.common(), None, false)));
    Ok((Io::Layered(Box::new(session)), facts))
}

/// Does it step by step. Gives what a client was served.
async fn shake_hands(
    session: &Session,
    mut bytes: Vec<u8>,
    gate: Option<&HandshakeGate>,
) -> Result<Option<Served>, TlsError> {
    let (mut served, mut which) = (None, Step::First);
    loop {
        let mut step = || {
            let progress = session.shake(&bytes);
            served = take_served().or_else(|| served.take());
            progress
        };
        let progress = match gate {
            Some(gate) if !bytes.is_empty() => {
                gate.pass(std::mem::replace(&mut which, Step::Later), step).await
            }
            _ => step(),
        };
        match progress {
            Ok(Progress::Blocked) => session.send().await.map_err(gone)?,
            Ok(Progress::DoneButHeldBack) => return Ok(served),
            Ok(Progress::Done) => {
                session.send().await.map_err(gone)?;
                return Ok(served);
            }
            Err(error) => {
                session.send_now();
                return Err(error);
            }
        }
        bytes = read(session.socket()).await?;
    }
}

/// The next bytes of the peer.
async fn read(socket: &Io) -> Result<Vec<u8>, TlsError> {
    loop {
        let read: io::Result<Vec<u8>> = scratch::incoming(|incoming| {
            scratch::grow(incoming, READ_BYTES);
            let room = incoming.get_mut(..READ_BYTES).unwrap_or(&mut []);
            let read = socket.try_read_slice(room)?;
            Ok(room.get(..read).unwrap_or(&[]).to_vec())
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
