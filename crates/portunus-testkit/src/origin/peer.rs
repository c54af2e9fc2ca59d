//! One connection to an origin, for tests that say byte for byte what happens on it.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::{Request, Response, Seen};
use crate::message::Head;
use crate::stream::Stream;
use crate::wait::Watched;
use crate::wire::{Body, End, Wire};

/// One connection to an origin. Dropping it closes the connection.
#[derive(Debug)]
pub struct Peer {
    wire: Wire,
    /// What is known of each request before it comes.
    first: Request,
    seen: Arc<Watched<Seen>>,
}

impl Peer {
    pub(super) fn new(mut wire: Wire, first: Request, seen: Arc<Watched<Seen>>) -> Self {
        let waits = wire.stream_mut().read_timeout(PATIENCE);
        waits.expect("a socket takes a timeout");
        Self { wire, first, seen }
    }

    /// Which of the origin's connections it is, from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.first.connection
    }

    /// Reads a request to its end; `None` when no more come.
    pub fn request(&mut self) -> Option<Request> {
        let head = self.wire.head().ok()?;
        let body = self.wire.body(head.request_framing());
        Some(self.record(&head, body))
    }

    /// Reads a head and leaves the body where it is; `None` when no more come.
    pub fn head(&mut self) -> Option<Request> {
        let head = self.wire.head().ok()?;
        Some(self.record(&head, Body::default()))
    }

    /// Reads the body that belongs to a head that was read alone.
    pub fn body_of(&mut self, request: &Request) -> Body {
        let head = Head { line: String::new(), headers: request.headers.clone() };
        self.wire.body(head.request_framing())
    }

    fn record(&self, head: &Head, body: Body) -> Request {
        let mut words = head.line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let request = Request {
            method: word(),
            target: word(),
            version: word(),
            headers: head.headers.clone(),
            body: body.bytes,
            trailers: body.trailers,
            is_complete: body.is_complete,
            ..self.first.clone()
        };
        self.seen.change(|seen| seen.requests.push(request.clone()));
        request
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes.as_ref());
    }

    /// Sends an answer to a request of this method.
    pub fn answer(&mut self, response: &Response, method: &str) {
        self.send(response.bytes(method));
    }

    /// Reads so many bytes, or as many as come before the end.
    pub fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.wire.exactly(count, &mut bytes);
        bytes
    }

    /// The bare connection, for another protocol.
    #[must_use]
    pub fn into_tcp(self) -> TcpStream {
        match self.wire.stream() {
            Stream::Tcp(stream) => stream.try_clone().expect("a socket can be cloned"),
            Stream::Unix(_) | Stream::Tls(_) => panic!("not a plain TCP connection"),
        }
    }

    /// Waits until the program closes, whatever it still sends.
    pub fn wait_for_close(mut self) -> End {
        self.wire.drain()
    }

    /// Closes with a reset instead of an end.
    pub fn reset(mut self) {
        self.wire.reset();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Only the last copy of a socket closes the connection.
        self.seen.change(|seen| seen.open.remove(&self.number()));
    }
}

/// An origin's connection may idle longer than a test may take.
const PATIENCE: Duration = Duration::from_secs(120);
