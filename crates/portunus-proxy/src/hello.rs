//! What a client of TLS says first, read while it stays where it is: for those who decide before the handshake.

use portunus_exchange::{ErrorKind, ProxyError};
use portunus_preface::client_hello::{self, Peek};
use portunus_snapshot::OnDemand;
use portunus_tls::{ACME_ALPN, ServerTls};

use crate::detect::{Closed, Opening};

/// What a ClientHello asks for.
#[derive(Debug)]
pub(crate) struct Hello {
    /// The name, as the client wrote it.
    pub(crate) server_name: Option<Box<str>>,
    /// Only an answer to a challenge (RFC 8737) is wanted.
    is_challenge: bool,
}

/// Reads the ClientHello, and leaves it where it is.
///
/// # Errors
/// There is none, or it does not come in time.
pub(crate) async fn read(opening: &mut Opening) -> Result<Hello, Closed> {
    let Opening { io, read, deadline, listener, .. } = opening;
    let reading = async {
        let mut joined = Vec::new();
        loop {
            match client_hello::peek(read.filled(), &mut joined) {
                Ok(Peek::Complete(mut hello)) => {
                    let is_challenge = hello.alpn.any(|one| one == ACME_ALPN);
                    return Ok(Hello {
                        server_name: hello.server_name.map(Box::from),
                        is_challenge,
                    });
                }
                Ok(Peek::Incomplete) => {}
                Err(_) => return Err(Closed::Handshake("bad_message")),
            }
            match read.read(io, READ_BYTES).await {
                Ok(1..) => {}
                _ => return Err(Closed::Handshake("closed")),
            }
        }
    };
    let read = deadline.bound(listener.timeouts.header_read, LATE, reading).await;
    read.map_err(|_| Closed::Handshake("timeout"))?
}

/// Asks for a certificate, where none is good for the name that the client asks for, and waits for it. Whether there
/// is one then shows in the handshake.
///
/// # Errors
/// As [`read`].
pub(crate) async fn settle(
    opening: &mut Opening,
    tls: &ServerTls,
    on_demand: &OnDemand,
) -> Result<(), Closed> {
    let hello = read(opening).await?;
    let Some(name) = hello.server_name.filter(|_| !hello.is_challenge) else { return Ok(()) };
    let name = name.to_ascii_lowercase();
    if !tls.store().table().covers(&name) {
        on_demand.wanted(&name).await;
    }
    Ok(())
}

const LATE: ProxyError = ProxyError::client(ErrorKind::ClientTimeout);
/// By how much a full read buffer grows.
const READ_BYTES: usize = 4096;
