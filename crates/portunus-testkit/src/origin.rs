//! An HTTP/1 origin that does what the test says.

mod peer;
mod response;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::message::Headers;
use crate::stream::Stream;
use crate::wait::Watched;
use crate::wire::Wire;

pub use peer::Peer;
pub use response::Response;

/// An origin on a port of its own. It prints as its URL. Dropping it closes its connections too.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    seen: Arc<Watched<Seen>>,
    is_over: Arc<AtomicBool>,
}

/// A request that an origin got.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target, as it came.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The headers, in order.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Fields after a chunked body.
    pub trailers: Headers,
    /// False when the connection ended before the body did, or when the body was not read.
    pub is_complete: bool,
    /// Which of the origin's connections it came over, from 1.
    pub connection: usize,
}

#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    open: BTreeMap<usize, TcpStream>,
    requests: Vec<Request>,
}

impl Origin {
    /// Answers each request with what `answer` makes of it, over kept connections.
    #[must_use]
    pub fn new(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::raw(move |mut peer| {
            while let Some(request) = peer.request() {
                let response = answer(&request);
                peer.answer(&response, &request.method);
                if response.closes() {
                    return;
                }
            }
        })
    }

    /// Answers each request with this text.
    #[must_use]
    pub fn text(text: &'static str) -> Self {
        Self::new(move |_| Response::text(text))
    }

    /// Runs `serve` for each connection, on a thread of its own.
    #[must_use]
    pub fn raw(serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let origin = Self { address, seen: Arc::default(), is_over: Arc::default() };
        let (seen, is_over) = (Arc::clone(&origin.seen), Arc::clone(&origin.is_over));
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let serve = Arc::clone(&serve);
                let peer = accept(stream, &seen);
                thread::spawn(move || serve(peer));
            }
        });
        origin
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.seen.look(|seen| seen.requests.clone())
    }

    /// The only request so far.
    #[must_use]
    #[track_caller]
    pub fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.remove(0)
    }

    /// The latest request.
    #[must_use]
    #[track_caller]
    pub fn last(&self) -> Request {
        self.requests().pop().expect("the origin got a request")
    }

    /// Waits until so many requests have come, and gives the last of them.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Request {
        let found = self.seen.wait_for(|seen| seen.requests.get(count - 1).cloned());
        found.unwrap_or_else(|| panic!("the origin never got request {count}"))
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.look(|seen| seen.connections)
    }
}

fn accept(stream: TcpStream, seen: &Arc<Watched<Seen>>) -> Peer {
    let copy = stream.try_clone().expect("a socket can be cloned");
    let number = seen.change(|seen| {
        seen.connections += 1;
        seen.open.insert(seen.connections, copy);
        seen.connections
    });
    let stream = Stream::accepted(stream).expect("an accepted socket takes options");
    Peer::new(Wire::new(stream), number, Arc::clone(seen))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, so that it ends and closes the listener.
        let _ = TcpStream::connect(self.address);
        self.seen.look(|seen| {
            for connection in seen.open.values() {
                let _ = connection.shutdown(Shutdown::Both);
            }
        });
    }
}

impl Request {
    /// The value of a header that stands there at most once.
    #[must_use]
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.one(name)
    }

    /// The body as text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}
