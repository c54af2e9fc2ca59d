//! One HTTP/1 connection to an endpoint.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{Address, EndpointState};
use portunus_base::Mono;
use portunus_exchange::{ErrorKind, ProxyError, Retry};
use portunus_h1::{Limits, Parsed, parse_response};
use portunus_http::ResponseHead;
use portunus_net::{DialTo, Io, dial};

use crate::pool::keep_until;
use crate::wire::ReadBuffer;

/// A connection to an endpoint. Counted in the endpoint's state for as long as it lives.
#[derive(Debug)]
pub struct ClientConn {
    /// The socket.
    pub io: Io,
    /// What was read from it; no memory while the connection is unused.
    pub read: ReadBuffer,
    /// It has served a request before.
    pub reused: bool,
    pub(crate) keep_until: Mono,
    counted: Counted,
}

/// A connection that is open, or about to be; counted in its endpoint's state for as long as this lives.
#[derive(Debug)]
struct Counted(Arc<EndpointState>);

impl Counted {
    fn new(state: &Arc<EndpointState>) -> Self {
        state.connection_opened();
        Self(Arc::clone(state))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}

/// What came instead of, or with, the head of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Received {
    /// The head is there.
    Head,
    /// The stream ended, or broke, before the first byte of a head.
    Nothing,
    /// It ended, or broke, within the head.
    Cut,
}

impl ClientConn {
    /// Connects to an endpoint. The caller bounds the time.
    ///
    /// # Errors
    /// Refused, or no way there. Nothing was sent: another try is safe.
    pub async fn open(address: &Address, state: &Arc<EndpointState>) -> Result<Self, ProxyError> {
        let to = match address {
            Address::Ip(ip) => DialTo::Ip(*ip),
            Address::Unix(path) => DialTo::Unix(path),
        };
        // Those that are being opened count too: many at once would pass any limit otherwise.
        let counted = Counted::new(state);
        let io = dial(to).await.map_err(|error| connect_error(&error))?;
        let (read, keep_until) = (ReadBuffer::default(), Mono::NEVER);
        Ok(Self { io, read, reused: false, keep_until, counted })
    }

    /// The key of its endpoint's pool.
    #[must_use]
    pub fn key(&self) -> u32 {
        self.counted.0.key()
    }

    /// Open connections to its endpoint, over all workers, this one included.
    #[must_use]
    pub fn siblings(&self) -> u32 {
        self.counted.0.connections()
    }

    /// Ready for the pool.
    #[must_use]
    pub fn rest(mut self, now: Mono, idle_timeout: Duration) -> Self {
        self.keep_until = keep_until(now, idle_timeout);
        self.reused = true;
        self
    }

    /// True when the peer has closed, or said something unasked.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.io.is_stale()
    }

    /// True when no endpoint set holds its endpoint any more.
    pub(crate) fn is_orphan(&self) -> bool {
        // Each connection holds the state once; whatever else holds it is a set, or control.
        let Counted(state) = &self.counted;
        Arc::strong_count(state) <= state.connections() as usize
    }

    /// Its two directions: the socket, and what was read from it.
    pub fn parts(&mut self) -> (&Io, &mut ReadBuffer) {
        (&self.io, &mut self.read)
    }
}

/// Reads until the next head is whole, interim ones (1xx) included.
///
/// # Errors
/// The upstream does not speak HTTP.
pub async fn receive_head(
    io: &Io,
    read: &mut ReadBuffer,
    limits: &Limits,
    head: &mut ResponseHead,
) -> Result<Received, ProxyError> {
    loop {
        if !read.is_empty() {
            let bad = |fault: portunus_h1::H1Error| {
                ProxyError::upstream(ErrorKind::BadResponse(fault.code()), Retry::Never)
            };
            let parsed = parse_response(read.filled(), limits, head).map_err(bad)?;
            if let Parsed::Complete(bytes) = parsed {
                read.consume(bytes);
                return Ok(Received::Head);
            }
        }
        match read.read(io, READ_BYTES).await {
            Ok(0) | Err(_) if read.is_empty() => return Ok(Received::Nothing),
            Ok(0) | Err(_) => return Ok(Received::Cut),
            Ok(_) => {}
        }
    }
}

fn connect_error(error: &io::Error) -> ProxyError {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorKind::ConnectRefused,
        io::ErrorKind::TimedOut => ErrorKind::ConnectTimeout,
        _ => ErrorKind::ConnectFailed,
    };
    ProxyError::upstream(kind, Retry::Unsent)
}

/// By how much a full read buffer grows.
const READ_BYTES: usize = 16 * 1024;
