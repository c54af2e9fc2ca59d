//! A client that speaks HTTP/1 over one connection.

use std::fmt::{Debug, Display};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::message::{Framing, Head, Headers};
use crate::stream::Stream;
use crate::tls::TlsFacts;
use crate::wire::{Body, End, Wire};

/// A connection to the program, kept from request to request.
#[derive(Debug)]
pub struct Client {
    wire: Wire,
    host: String,
}

/// One answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `HTTP/2`, `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// Its phrase; HTTP/2 has none.
    pub phrase: String,
    /// The headers.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Fields after the body.
    pub trailers: Headers,
    /// How the end of the body was told.
    pub framing: Framing,
    /// False when the connection ended before the answer did: a truncated answer.
    pub is_complete: bool,
    /// The 1xx answers before it.
    pub interim: Vec<Head>,
}

impl Client {
    /// Connects to `127.0.0.1:80`, `[::1]:80` or `unix:/path`.
    #[must_use]
    #[track_caller]
    pub fn connect(address: &str) -> Self {
        let stream = Stream::connect(address);
        Self::over(stream.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}")))
    }

    pub(crate) fn over(stream: Stream) -> Self {
        Self { wire: Wire::new(stream), host: "shop.test".to_owned() }
    }

    /// The same connection, with another `Host` unless a request has its own.
    #[must_use]
    pub fn for_host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Our own address.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        let socket = self.wire.stream().tcp().expect("a Unix socket has no port");
        let address = socket.local_addr().expect("a connected socket has an address");
        address.as_socket().expect("an internet address")
    }

    /// What TLS agreed on.
    #[must_use]
    #[track_caller]
    pub fn tls(&self) -> &TlsFacts {
        self.wire.stream().tls().expect("a connection over TLS")
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.send(bytes.as_ref());
    }

    /// Begins a request, for the host `shop.test` unless the client is for another.
    pub fn request(&mut self, method: &str, target: &str) -> Sending<'_> {
        Sending::new(self, method, target)
    }

    /// Asks for a path and reads the answer.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target).send()
    }

    /// Reads the next final answer, and the interim ones before it.
    #[track_caller]
    pub fn read(&mut self) -> Answer {
        self.read_for("GET")
    }

    /// Reads the answer to a request of this method: one to HEAD has no body.
    #[track_caller]
    pub fn read_for(&mut self, method: &str) -> Answer {
        let mut interim = Vec::new();
        loop {
            let head = self.read_head();
            match head.status_line() {
                (_, 100 | 102..=199, _) => interim.push(head),
                _ => return self.finish(&head, method, interim),
            }
        }
    }

    /// Reads one head alone: of an interim answer, or of one whose body is still to come.
    #[track_caller]
    pub fn read_head(&mut self) -> Head {
        self.wire.head().unwrap_or_else(|end| panic!("{end:?} instead of an answer"))
    }

    /// Reads the body that belongs to a head.
    #[track_caller]
    pub fn read_body(&mut self, head: &Head) -> Answer {
        self.finish(head, "GET", Vec::new())
    }

    /// Reads so many bytes as they come.
    #[track_caller]
    pub fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let end = self.wire.exactly(count, &mut bytes);
        assert_eq!(end, Ok(()), "only {bytes:?}");
        bytes
    }

    #[track_caller]
    fn finish(&mut self, head: &Head, method: &str, interim: Vec<Head>) -> Answer {
        let (version, status, phrase) = head.status_line();
        let framing = head.answer_framing(method);
        let Body { bytes, trailers, is_complete } = self.wire.body(framing);
        Answer {
            version: version.to_owned(),
            status,
            phrase: phrase.to_owned(),
            headers: head.headers.clone(),
            body: bytes,
            trailers,
            framing,
            is_complete,
            interim,
        }
    }

    /// Says that nothing more will be sent; answers can still come.
    pub fn half_close(&mut self) {
        self.wire.half_close();
    }

    /// Goes away with a reset: unlike a plain close, it cannot be taken for a half-close.
    pub fn reset(mut self) {
        self.wire.reset();
    }

    /// Waits until the program closes; anything else that comes fails the test.
    #[track_caller]
    pub fn wait_for_close(&mut self) -> End {
        self.wire.end()
    }

    /// The bare connection, for another protocol.
    #[must_use]
    pub fn into_tcp(self) -> TcpStream {
        match self.wire.into_stream() {
            Stream::Tcp(stream) => stream,
            Stream::Unix(_) | Stream::Tls(_) => panic!("not a plain TCP connection"),
        }
    }

    /// The bare connection of any kind, for another protocol.
    #[must_use]
    pub fn into_stream(self) -> impl Read + Write + Send + Debug + 'static {
        self.wire.into_stream()
    }
}

impl Answer {
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

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {:?}", self.text()))
    }

    /// Fails the test unless the program itself answered with this status and reason code: in
    /// `Proxy-Status`, and in the body where that is a problem document.
    #[track_caller]
    pub fn assert_own(&self, status: u16, reason: &str) {
        let told = self.headers.all("proxy-status").any(|value| value.contains(reason));
        assert!(told && self.status == status, "not {status} {reason}: {self:#?}");
        if self.header("content-type") == Some("application/problem+json") {
            let problem = self.json();
            assert_eq!(problem.get("reason"), Some(&Value::from(reason)), "{problem}");
            assert_eq!(problem.get("status"), Some(&Value::from(status)), "{problem}");
        }
    }

    /// Whether the connection can be used again after this answer.
    #[must_use]
    pub fn keeps_connection(&self) -> bool {
        let closes = self.headers.has_token("connection", "close");
        let keeps =
            self.version == "HTTP/1.1" || self.headers.has_token("connection", "keep-alive");
        keeps && !closes && self.is_complete && self.framing != Framing::UntilClose
    }
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Sending<'c> {
    client: &'c mut Client,
    method: String,
    target: String,
    version: &'static str,
    headers: Headers,
    body: Vec<u8>,
}

impl<'c> Sending<'c> {
    fn new(client: &'c mut Client, method: &str, target: &str) -> Self {
        let headers = Headers(vec![("Host".to_owned(), client.host.clone())]);
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { client, method, target, version: "HTTP/1.1", headers, body: Vec::new() }
    }

    /// Asks another host.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.headers.0.retain(|(name, _)| name != "Host");
        self.headers.0.insert(0, ("Host".to_owned(), host.to_owned()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Speaks HTTP/1.0.
    #[must_use]
    pub fn http10(mut self) -> Self {
        self.version = "HTTP/1.0";
        self
    }

    /// Adds a body with its length.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.headers.push("Content-Length", &body.as_ref().len().to_string());
        self.body = body.as_ref().to_vec();
        self
    }

    /// Adds a body in chunks, with trailers.
    #[must_use]
    pub fn chunks(mut self, chunks: &[&str], trailers: &[(&str, &str)]) -> Self {
        self.headers.push("Transfer-Encoding", "chunked");
        self.body = chunked(chunks, trailers);
        self
    }

    /// Sends the request without waiting for its answer.
    pub fn start(self) {
        let bytes = self.bytes();
        self.client.send(bytes);
    }

    /// Sends the request and reads the answer.
    #[track_caller]
    pub fn send(self) -> Answer {
        let bytes = self.bytes();
        self.client.send(bytes);
        self.client.read_for(&self.method)
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { method, target, version, headers, body, .. } = self;
        let mut bytes = format!("{method} {target} {version}\r\n").into_bytes();
        headers.write_to(&mut bytes);
        bytes.extend(b"\r\n");
        bytes.extend(body);
        bytes
    }
}

/// A body in the chunked coding.
pub(crate) fn chunked(
    chunks: &[impl AsRef<[u8]>],
    trailers: &[(impl Display, impl Display)],
) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend(format!("{:x}\r\n", chunk.as_ref().len()).bytes());
        body.extend(chunk.as_ref());
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n");
    for (name, value) in trailers {
        body.extend(format!("{name}: {value}\r\n").bytes());
    }
    body.extend(b"\r\n");
    body
}
