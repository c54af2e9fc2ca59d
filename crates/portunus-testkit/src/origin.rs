//! An origin that does what the test says.

mod exchange;
mod h2;
mod peer;
mod response;
mod transport;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::message::Headers;
use crate::tls::TlsFacts;
use crate::wait::Watched;
use crate::wire::Wire;
use transport::Accepted;

pub use exchange::H2Exchange;
pub use peer::Peer;
pub use response::Response;
pub use transport::Transport;

/// An origin on a port of its own. It prints as its URL. Dropping it closes its connections too.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Watched<Seen>>,
    is_over: Arc<AtomicBool>,
}

/// A request that an origin got.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target as it came; with HTTP/2 the path and the query.
    pub target: String,
    /// `HTTP/2`, `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// `:scheme` of HTTP/2.
    pub scheme: Option<String>,
    /// `:authority` of HTTP/2.
    pub authority: Option<String>,
    /// `:protocol` of an extended CONNECT.
    pub protocol: Option<String>,
    /// The headers, in order; HTTP/2 keeps the order within a name.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Fields after the body.
    pub trailers: Headers,
    /// False when the connection ended before the body did, or when the body was not read.
    pub is_complete: bool,
    /// Which of the origin's connections it came over, from 1.
    pub connection: usize,
    /// What TLS agreed on, if there was TLS.
    pub tls: Option<TlsFacts>,
    /// The PROXY header that the connection began with, if the origin reads one.
    pub proxy_header: Option<Vec<u8>>,
}

/// What an origin does with a connection of HTTP/1.
type ServePeer = Arc<dyn Fn(Peer) + Send + Sync>;

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
        Self::over(Transport::h1(), answer)
    }

    /// The same over another transport.
    #[must_use]
    pub fn over(
        transport: Transport,
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        let answer_h2 = Arc::clone(&answer);
        let serve = move |mut peer: Peer| {
            while let Some(request) = peer.request() {
                let response = answer(&request);
                peer.answer(&response, &request.method);
                if response.closes() {
                    return;
                }
            }
        };
        let serve_h2 = move |mut exchange: H2Exchange| {
            let request = exchange.read_request();
            if request.is_complete {
                exchange.answer(&answer_h2(&request));
            }
        };
        Self::start(transport, Arc::new(serve), Arc::new(serve_h2))
    }

    /// Answers each request with this text.
    #[must_use]
    pub fn text(text: &'static str) -> Self {
        Self::new(move |_| Response::text(text))
    }

    /// Runs `serve` for each connection, on a thread of its own.
    #[must_use]
    pub fn raw(serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self::raw_over(Transport::h1(), serve)
    }

    /// Runs `serve` for each connection of HTTP/1 over this transport, on a thread of its own.
    #[must_use]
    pub fn raw_over(transport: Transport, serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self::start(transport, Arc::new(serve), Arc::new(drop))
    }

    /// Runs `serve` for each request of HTTP/2 over this transport, on a thread of its own.
    #[must_use]
    pub fn h2_raw(
        transport: Transport,
        serve: impl Fn(H2Exchange) + Send + Sync + 'static,
    ) -> Self {
        Self::start(transport, Arc::new(drop), Arc::new(serve))
    }

    fn start(transport: Transport, serve: ServePeer, serve_h2: h2::Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let scheme = transport.scheme();
        let origin = Self { address, scheme, seen: Arc::default(), is_over: Arc::default() };
        let (seen, is_over) = (Arc::clone(&origin.seen), Arc::clone(&origin.is_over));
        let accepting = Accepting { transport, serve, serve_h2, seen };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                accepting.take(stream);
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

/// What the thread that accepts knows.
struct Accepting {
    transport: Transport,
    serve: ServePeer,
    serve_h2: h2::Serve,
    seen: Arc<Watched<Seen>>,
}

impl Accepting {
    /// Serves a connection on a thread of its own.
    fn take(&self, stream: TcpStream) {
        let copy = stream.try_clone().expect("a socket can be cloned");
        let number = self.seen.change(|seen| {
            seen.connections += 1;
            seen.open.insert(seen.connections, copy);
            seen.connections
        });
        let (transport, seen) = (self.transport.clone(), Arc::clone(&self.seen));
        let (serve, serve_h2) = (Arc::clone(&self.serve), Arc::clone(&self.serve_h2));
        thread::spawn(move || {
            // That the program does not like our certificate is seen by its answers.
            if let Ok(accepted) = transport.accept(stream) {
                serve_accepted(accepted, number, &seen, (serve, serve_h2));
            }
            // Only the last copy of a socket closes the connection.
            seen.change(|seen| seen.open.remove(&number));
        });
    }
}

fn serve_accepted(
    accepted: Accepted,
    number: usize,
    seen: &Arc<Watched<Seen>>,
    (serve, serve_h2): (ServePeer, h2::Serve),
) {
    let Accepted { stream, is_h2, proxy_header } = accepted;
    let tls = stream.tls().cloned();
    let first = Request { connection: number, tls, proxy_header, ..Request::default() };
    let seen = Arc::clone(seen);
    match is_h2 {
        true => h2::Incoming { first, seen, serve: serve_h2 }.serve(stream),
        false => serve(Peer::new(Wire::new(stream), first, seen)),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.address)
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

    /// What TLS agreed on.
    #[must_use]
    #[track_caller]
    pub fn tls(&self) -> &TlsFacts {
        self.tls.as_ref().expect("a connection over TLS")
    }

    /// The host that was asked, by `:authority` or by `Host`.
    #[must_use]
    #[track_caller]
    pub fn host(&self) -> Option<&str> {
        self.authority.as_deref().or_else(|| self.header("host"))
    }

    /// The body as text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}
