//! Each kind of client before each kind of upstream, with each kind of body.

use portunus_testkit::{
    Answer, Authority, Client, Gate, H2Client, H2Exchange, Origin, Peer, Program, Request,
    Response, TlsClient, TlsServer, Transport,
};

use crate::hostile::wait_for_rest;

/// What one side speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Speech {
    H1,
    H1Tls,
    H2Tls,
    H2c,
}

impl Speech {
    fn has_tls(self) -> bool {
        matches!(self, Self::H1Tls | Self::H2Tls)
    }

    fn is_h2(self) -> bool {
        matches!(self, Self::H2Tls | Self::H2c)
    }

    fn scheme(self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    fn version(self) -> &'static str {
        if self.is_h2() { "HTTP/2" } else { "HTTP/1.1" }
    }
}

/// The program between a client and an origin.
struct Cell {
    client: Speech,
    upstream: Speech,
    authority: Authority,
    origin: Origin,
    program: Program,
}

impl Cell {
    /// With an origin that answers whole requests.
    fn answering(
        client: Speech,
        upstream: Speech,
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(client, upstream, |transport| Origin::over(transport, answer))
    }

    /// With an origin that says step by step what it does with each request.
    fn acting(
        client: Speech,
        upstream: Speech,
        act: impl Fn(Peer) + Send + Sync + 'static,
        act_h2: impl Fn(H2Exchange) + Send + Sync + 'static,
    ) -> Self {
        Self::start(client, upstream, |transport| match upstream.is_h2() {
            true => Origin::h2_raw(transport, act_h2),
            false => Origin::raw_over(transport, act),
        })
    }

    fn start(client: Speech, upstream: Speech, origin: impl FnOnce(Transport) -> Origin) -> Self {
        let authority = Authority::new("the test's");
        let transport = if upstream.is_h2() { Transport::h2() } else { Transport::h1() };
        let server = TlsServer::new(&authority.issue(&["origin.test"]));
        let origin = origin(if upstream.has_tls() { transport.tls(&server) } else { transport });
        let tls =
            if upstream.has_tls() { ", tls: {ca: ca.pem, server_name: origin.test}" } else { "" };
        let listener_tls =
            if client.has_tls() { ", tls: [{cert: site.pem, key: site.key}]" } else { "" };
        let program = Program::config(CONFIG)
            .fill("origin", &origin)
            .fill("http", if upstream.is_h2() { "2" } else { "1" })
            .fill("upstream_tls", tls)
            .fill("listener_tls", listener_tls)
            .file("ca.pem", &authority.pem())
            .identity("site", &authority.issue(&["shop.test"]))
            .start();
        Self { client, upstream, authority, origin, program }
    }

    /// A connection of the cell's kind to the program.
    fn caller(&self) -> Caller {
        let address = self.program.address("web");
        let tls = TlsClient::trusting(&self.authority);
        match self.client {
            Speech::H1 => Caller::H1(Client::connect(&address)),
            Speech::H1Tls => Caller::H1(tls.alpn(&["http/1.1"]).h1(&address, "shop.test")),
            Speech::H2Tls => Caller::H2(tls.h2(&address, "shop.test")),
            Speech::H2c => Caller::H2(H2Client::connect(&address)),
        }
    }

    /// The program serves the next client as if nothing had been, and nothing is left behind.
    fn still_works(&self) {
        let answer = self.caller().send("GET", "/fine", &[], &Body::None);
        assert_eq!((answer.status, answer.text()), (200, "fine"));
        wait_for_rest(&self.program);
    }

    /// What holds for each request whatever its body.
    fn check_head(&self, request: &Request) {
        assert_eq!(request.version, self.upstream.version());
        assert_eq!(request.host(), Some("shop.test"));
        let scheme = self.upstream.is_h2().then(|| self.upstream.scheme());
        assert_eq!(request.scheme.as_deref(), scheme);
        assert_eq!(request.header("x-told"), Some("by the client"));
        assert_eq!(request.header("x-forwarded-proto"), Some(self.client.scheme()));
        assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
        if self.upstream.is_h2() {
            for name in ["host", "connection", "keep-alive", "transfer-encoding", "upgrade"] {
                assert_eq!(request.header(name), None, "{request:?}");
            }
        }
    }

    fn check_answer(&self, answer: &Answer) {
        assert!(answer.is_complete, "{answer:?}");
        assert_eq!(answer.version, self.client.version());
        assert_eq!(answer.header("x-said"), Some("by the origin"));
        if self.client.is_h2() {
            for name in ["connection", "keep-alive", "transfer-encoding", "upgrade"] {
                assert_eq!(answer.header(name), None, "{answer:?}");
            }
        }
    }
}

/// A connection of either kind.
enum Caller {
    H1(Client),
    H2(H2Client),
}

/// The body of a request.
enum Body<'a> {
    None,
    Length(&'a [u8]),
    Pieces(&'a [&'a str], &'a [(&'a str, &'a str)]),
}

impl Caller {
    fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &Body,
    ) -> Answer {
        match self {
            Self::H1(client) => {
                let mut sending = client.request(method, target);
                for (name, value) in headers {
                    sending = sending.header(name, value);
                }
                match body {
                    Body::None => sending.send(),
                    Body::Length(bytes) => sending.body(bytes).send(),
                    Body::Pieces(pieces, trailers) => sending.chunks(pieces, trailers).send(),
                }
            }
            Self::H2(client) => {
                let mut sending = client.request(method, target);
                for (name, value) in headers {
                    sending = sending.header(name, value);
                }
                match body {
                    Body::None => sending.send(),
                    Body::Length(bytes) => sending.body(bytes).send(),
                    Body::Pieces(pieces, trailers) => sending.chunks(pieces, trailers).send(),
                }
            }
        }
    }
}

const CONFIG: &str = r#"
listeners: {web: {address: "127.0.0.1:0"{listener_tls}}}
upstreams: {up: {endpoints: "{origin}", http: {http}{upstream_tls}}}
hosts: {"*": {routes: {/**: up}}}
"#;
const TOLD: (&str, &str) = ("X-Told", "by the client");

/// An answer with the header that each answer has.
fn said(response: Response) -> Response {
    response.header("X-Said", "by the origin")
}

/// Bytes of all values that no cut leaves as they were.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from((at * 7 + at / 251) % 256).unwrap()).collect()
}

fn none(client: Speech, upstream: Speech) {
    let cell = Cell::answering(client, upstream, |request| match request.target.as_str() {
        "/none?a=b%20c" => said(Response::status(204)),
        "/gone" => said(Response::status(410)),
        _ => said(Response::text("fine")),
    });
    let mut caller = cell.caller();
    let answer = caller.send("GET", "/none?a=b%20c", &[TOLD], &Body::None);
    assert_eq!((answer.status, answer.text()), (204, ""));
    cell.check_answer(&answer);
    let request = cell.origin.request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/none?a=b%20c"));
    assert!(request.is_complete && request.body.is_empty(), "{request:?}");
    assert_eq!(
        (request.header("content-length"), request.header("transfer-encoding")),
        (None, None)
    );
    cell.check_head(&request);
    let answer = caller.send("DELETE", "/gone", &[TOLD], &Body::None);
    assert_eq!((answer.status, answer.text()), (410, ""));
    cell.check_answer(&answer);
    let answer = caller.send("HEAD", "/head", &[TOLD], &Body::None);
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert_eq!(answer.header("content-length"), Some("4"));
    cell.still_works();
}

fn length(client: Speech, upstream: Speech) {
    let (asked, told) = (bytes(150_000), bytes(200_000));
    let answered = told.clone();
    let cell = Cell::answering(client, upstream, move |request| match request.target.as_str() {
        "/fine" => Response::text("fine"),
        _ => said(Response::text(&answered).with_status(201)),
    });
    let mut caller = cell.caller();
    for count in 1..=2 {
        let answer = caller.send("POST", "/length", &[TOLD], &Body::Length(&asked));
        assert_eq!(answer.status, 201);
        assert!(answer.body == told, "{} bytes came back", answer.body.len());
        assert_eq!(answer.header("content-length"), Some("200000"));
        cell.check_answer(&answer);
        let request = cell.origin.wait_for(count);
        assert!(request.body == asked, "{} bytes arrived", request.body.len());
        assert_eq!(request.header("content-length"), Some("150000"));
        cell.check_head(&request);
    }
    cell.still_works();
}

fn chunked(client: Speech, upstream: Speech) {
    let long = "chunk ".repeat(10_000);
    let expected = format!("one{long}two");
    let cell = Cell::answering(client, upstream, move |request| match request.target.as_str() {
        "/fine" => Response::text("fine"),
        _ => said(Response::chunks(&["three", &"piece ".repeat(10_000), "four"], &[])),
    });
    let mut caller = cell.caller();
    for count in 1..=2 {
        let pieces = Body::Pieces(&["one", &long, "two"], &[]);
        let answer = caller.send("PUT", "/chunked", &[TOLD], &pieces);
        assert_eq!(answer.status, 200);
        assert!(answer.text() == format!("three{}four", "piece ".repeat(10_000)));
        assert_eq!((answer.header("content-length"), answer.trailers.0.len()), (None, 0));
        cell.check_answer(&answer);
        let request = cell.origin.wait_for(count);
        assert!(request.text() == expected, "{} bytes arrived", request.body.len());
        assert_eq!((request.header("content-length"), request.trailers.0.len()), (None, 0));
        cell.check_head(&request);
    }
    cell.still_works();
}

fn trailers(client: Speech, upstream: Speech) {
    let cell = Cell::answering(client, upstream, |request| match request.target.as_str() {
        "/fine" => Response::text("fine"),
        "/only" => said(Response::chunks(&[], &[("X-End", "only")])),
        _ => said(Response::chunks(&["abc"], &[("X-Sum", "900150983cd24fb0"), ("X-End", "1")])),
    });
    let mut caller = cell.caller();
    let headers = [TOLD, ("TE", "trailers")];
    let sum = [("X-Sum", "4ed9407630eb1000"), ("X-End", "2")];
    let answer = caller.send("POST", "/both", &headers, &Body::Pieces(&["de", "f"], &sum));
    assert_eq!((answer.status, answer.text()), (200, "abc"));
    let trailers = (answer.trailers.one("x-sum"), answer.trailers.one("x-end"));
    assert_eq!(trailers, (Some("900150983cd24fb0"), Some("1")));
    cell.check_answer(&answer);
    let request = cell.origin.request();
    assert_eq!(request.text(), "def");
    let trailers = (request.trailers.one("x-sum"), request.trailers.one("x-end"));
    assert_eq!(trailers, (Some("4ed9407630eb1000"), Some("2")));
    cell.check_head(&request);
    let answer = caller.send("POST", "/only", &headers, &Body::Pieces(&["a"], &[]));
    assert_eq!((answer.text(), answer.trailers.one("x-end")), ("", Some("only")));
    cell.still_works();
}

fn early_close(client: Speech, upstream: Speech) {
    let (began, gone) = (Gate::new(), Gate::new());
    let has_begun = (began.clone(), began.clone());
    let is_gone = gone.clone();
    let act = move |mut peer: Peer| {
        while let Some(request) = peer.head() {
            if request.target == "/fine" {
                peer.answer(&Response::text("fine"), "GET");
                continue;
            }
            assert_eq!(peer.read_bytes(5), b"first");
            has_begun.0.open();
            peer.wait_for_close();
            return;
        }
    };
    let act_h2 = move |mut exchange: H2Exchange| {
        if exchange.request().target == "/fine" {
            return exchange.answer(&Response::text("fine"));
        }
        assert_eq!(exchange.read_some(), b"first");
        has_begun.1.open();
        // CANCEL: the client went away, and the connection stays for others.
        if exchange.wait_for_reset() == Some(8) {
            is_gone.open();
        }
    };
    let cell = Cell::acting(client, upstream, act, act_h2);
    match cell.caller() {
        Caller::H1(mut client) => {
            client
                .send("POST /cut HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100\r\n\r\nfirst");
            began.wait();
            client.reset();
        }
        Caller::H2(client) => {
            let mut stream = client.request("POST", "/cut").header("content-length", "100").open();
            stream.send("first");
            began.wait();
            stream.cancel();
            if upstream.is_h2() {
                gone.wait();
            }
            // The client's connection serves its other requests.
            assert_eq!(client.get("/fine").text(), "fine");
        }
    }
    cell.still_works();
    if upstream.is_h2() {
        assert_eq!(cell.origin.connections(), 1);
    }
}

fn early_answer(client: Speech, upstream: Speech) {
    let act = |mut peer: Peer| {
        while let Some(request) = peer.head() {
            if request.target == "/fine" {
                peer.answer(&Response::text("fine"), "GET");
                continue;
            }
            peer.answer(&said(Response::text(bytes(50_000)).with_status(413)), "POST");
            peer.wait_for_close();
            return;
        }
    };
    let act_h2 = |mut exchange: H2Exchange| {
        exchange.record();
        if exchange.request().target == "/fine" {
            return exchange.answer(&Response::text("fine"));
        }
        // The library resets the stream with NO_ERROR after that: the rest of the request is not
        // wanted (RFC 9113 section 8.1).
        exchange.answer(&said(Response::text(bytes(50_000)).with_status(413)));
    };
    let cell = Cell::acting(client, upstream, act, act_h2);
    let answer = match cell.caller() {
        Caller::H1(mut client) => {
            client.send("POST /early HTTP/1.1\r\nHost: shop.test\r\nX-Told: by the client\r\n");
            client.send("Content-Length: 100000\r\n\r\nfirst");
            client.read()
        }
        Caller::H2(client) => {
            let sending = client.request("POST", "/early").header(TOLD.0, TOLD.1);
            let mut stream = sending.header("content-length", "100000").open();
            stream.send("first");
            let answer = stream.finish();
            // The client's connection serves its other requests.
            assert_eq!(client.get("/fine").text(), "fine");
            answer
        }
    };
    assert_eq!(answer.status, 413);
    assert!(answer.body == bytes(50_000), "{} bytes came back", answer.body.len());
    cell.check_answer(&answer);
    cell.check_head(&cell.origin.wait_for(1));
    cell.still_works();
}

macro_rules! bodies {
    ($client:expr, $upstream:expr; $($body:ident)*) => {
        $(
            #[test]
            fn $body() {
                crate::matrix::$body($client, $upstream);
            }
        )*
    };
}

macro_rules! matrix {
    ($($client:ident $speech:ident)*) => {
        $(
            mod $client {
                use crate::matrix::Speech::{$speech as CLIENT};

                mod to_h1 {
                    bodies!(super::CLIENT, crate::matrix::Speech::H1;
                        none length chunked trailers early_close early_answer);
                }
                mod to_h1_tls {
                    bodies!(super::CLIENT, crate::matrix::Speech::H1Tls;
                        none length chunked trailers early_close early_answer);
                }
                mod to_h2_tls {
                    bodies!(super::CLIENT, crate::matrix::Speech::H2Tls;
                        none length chunked trailers early_close early_answer);
                }
                mod to_h2c {
                    bodies!(super::CLIENT, crate::matrix::Speech::H2c;
                        none length chunked trailers early_close early_answer);
                }
            }
        )*
    };
}

matrix! { h1 H1 h1_tls H1Tls h2_tls H2Tls h2c H2c }
