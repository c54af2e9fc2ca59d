//! Origins that do not behave.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::{Origin, Peer};

/// A port of our own that takes no connection: see [`refusing`] and [`unreachable`].
#[derive(Debug)]
pub struct NoOrigin {
    address: SocketAddr,
    /// The socket that holds the port, and connections that fill its queue.
    _held: Vec<Socket>,
}

impl fmt::Display for NoOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address)
    }
}

/// Refuses each connection. The port stays taken, so that nobody else answers there.
#[must_use]
pub fn refusing() -> NoOrigin {
    let (socket, address) = bound();
    NoOrigin { address, _held: vec![socket] }
}

/// Answers no attempt to connect: its queue is full.
#[must_use]
pub fn unreachable() -> NoOrigin {
    let (socket, address) = bound();
    socket.listen(0).expect("a bound socket listens");
    let mut held = vec![socket];
    while let Some(filler) = connect(address) {
        held.push(filler);
        assert!(held.len() < QUEUE_MAX, "the queue of {address} never fills");
    }
    NoOrigin { address, _held: held }
}

fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&SockAddr::from(any)).expect("a free port");
    let address = socket.local_addr().expect("a bound socket has an address");
    (socket, address.as_socket().expect("an internet address"))
}

fn connect(address: SocketAddr) -> Option<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    match socket.connect_timeout(&SockAddr::from(address), FULL_AFTER) {
        Ok(()) => Some(socket),
        Err(error) if error.kind() == ErrorKind::TimedOut => None,
        Err(error) => panic!("cannot fill the queue of {address}: {error}"),
    }
}

/// Reads requests and never answers.
#[must_use]
pub fn silent() -> Origin {
    after_request(|peer| {
        peer.wait_for_close();
    })
}

/// Resets the connection instead of an answer.
#[must_use]
pub fn resetting() -> Origin {
    after_request(Peer::reset)
}

/// Closes the connection instead of an answer.
#[must_use]
pub fn closing() -> Origin {
    after_request(drop)
}

/// Sends these bytes for each request, and closes.
#[must_use]
pub fn saying(bytes: &'static str) -> Origin {
    after_request(move |mut peer| peer.send(bytes))
}

/// Sends these bytes for each request, and nothing more.
#[must_use]
pub fn saying_then_silent(bytes: &'static str) -> Origin {
    after_request(move |mut peer| {
        peer.send(bytes);
        peer.wait_for_close();
    })
}

/// Reads one request of each connection, and hands over.
fn after_request(then: impl Fn(Peer) + Send + Sync + 'static) -> Origin {
    Origin::raw(move |mut peer| {
        if peer.request().is_some() {
            then(peer);
        }
    })
}

const FULL_AFTER: Duration = Duration::from_millis(200);
const QUEUE_MAX: usize = 64;
