//! WebSockets with other libraries and over HTTP/2.

use portunus_testkit::{
    Authority, Broken, H2Client, H2Stream, Origin, Program, Signal, TlsClient, Transport,
    eventually,
};
use tungstenite::protocol::{Role, WebSocket};

use crate::python::Script;
use crate::websocket;

const PEER: &str = include_str!("../python/websocket_peer.py");

const CONFIG: &str = r#"
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
upstreams: {chat: {endpoints: "{upstream}"{tls}}}
hosts: {"*": {routes: {/**: chat}}}
"#;

fn before(upstream: &str, tls: &str, authority: &Authority) -> Program {
    let setup = Program::config(CONFIG).fill("upstream", upstream).fill("tls", tls);
    let setup = setup.file("ca.pem", &authority.pem());
    setup.identity("site", &authority.issue(&["shop.test", "127.0.0.1"])).start()
}

#[test]
fn the_websockets_library_talks_through_plain_and_tls() {
    let authority = Authority::new("the test's");
    let folder = portunus_testkit::Folder::new();
    folder.write_identity("server", &authority.issue(&["127.0.0.1"]));
    let path = |name| folder.path(name).display().to_string();
    for has_tls in [false, true] {
        let files = [path("server.pem"), path("server.key")];
        let server = match has_tls {
            true => Script::start(PEER, &["serve", &files[0], &files[1]]),
            false => Script::start(PEER, &["serve"]),
        };
        let Some(mut server) = server else { return };
        let port = server.json()["port"].as_u64().unwrap();
        let (scheme, tls) = if has_tls { ("https", ", tls: {ca: ca.pem}") } else { ("http", "") };
        let program = before(&format!("{scheme}://127.0.0.1:{port}"), tls, &authority);
        let ca = program.path("ca.pem").display().to_string();
        let plain = format!("ws://{}/chat", program.address("web"));
        let secure = format!("wss://{}/chat", program.address("secure"));
        for arguments in [vec!["call", &plain], vec!["call", &secure, &ca]] {
            let seen = Script::start(PEER, &arguments).unwrap().json();
            assert_eq!(seen["subprotocol"], "chat", "{seen}");
            assert_eq!(seen["compressed"], true, "{seen}");
            assert_eq!(seen["echoed"], serde_json::json!([true, true, true, true, true]), "{seen}");
            assert_eq!(seen["pong"], true, "{seen}");
            assert_eq!(seen["close"], serde_json::json!([1000, "bye"]), "{seen}");
        }
        crate::hostile::wait_for_rest(&program);
    }
}

#[test]
fn a_websocket_over_tls_passes_to_a_plain_upstream() {
    let authority = Authority::new("the test's");
    let origin = websocket::echoing();
    let program = before(&origin.to_string(), "", &authority);
    let client = TlsClient::trusting(&authority).h1(&program.address("secure"), "shop.test");
    let (mut socket, answer) =
        tungstenite::client("ws://shop.test/chat", client.into_stream()).unwrap();
    assert_eq!(answer.status().as_u16(), 101);
    for text in ["hello", &"long ".repeat(50_000)] {
        socket.send(tungstenite::Message::text(text)).unwrap();
        assert_eq!(socket.read().unwrap().into_text().unwrap().as_str(), text);
    }
}

/// A stream of HTTP/2 behind blocking reads and writes.
#[derive(Debug)]
struct Tunnel {
    stream: H2Stream,
    ahead: Vec<u8>,
}

impl std::io::Read for Tunnel {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ahead.is_empty() {
            match self.stream.try_data() {
                Ok(Some(bytes)) => self.ahead = bytes,
                Ok(None) => return Ok(0),
                Err(broken) => return Err(std::io::Error::other(format!("{broken:?}"))),
            }
        }
        let count = buffer.len().min(self.ahead.len());
        buffer[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

impl std::io::Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let sent = self.stream.try_send(bytes);
        sent.map_err(|broken| std::io::Error::other(format!("{broken:?}")))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A WebSocket over HTTP/2, as RFC 8441 opens it.
fn open(client: &H2Client, path: &str) -> WebSocket<Tunnel> {
    eventually("the program says that it takes them", || client.takes_extended_connect());
    let sending = client.request("CONNECT", path).protocol("websocket");
    let sending = sending.header("sec-websocket-version", "13");
    let mut stream = sending.header("origin", "http://shop.test").open();
    let (status, headers) = stream.head();
    assert_eq!(status, 200, "{headers:?}");
    for name in ["sec-websocket-accept", "connection", "upgrade"] {
        assert_eq!(headers.one(name), None, "{headers:?}");
    }
    let tunnel = Tunnel { stream, ahead: Vec::new() };
    WebSocket::from_raw_socket(tunnel, Role::Client, None)
}

fn ask(socket: &mut WebSocket<Tunnel>, text: &str) -> String {
    socket.send(tungstenite::Message::text(text)).unwrap();
    socket.read().unwrap().into_text().unwrap().to_string()
}

/// An origin of HTTP/2 that takes extended CONNECT and sends each byte back.
fn echoing_h2() -> Origin {
    Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.record();
        if exchange.request().protocol.as_deref() != Some("websocket") {
            return exchange.answer(&portunus_testkit::Response::status(400));
        }
        exchange.begin(200, &[]);
        let tunnel = crate::websocket_peers::Served { exchange, ahead: Vec::new() };
        let mut socket = WebSocket::from_raw_socket(tunnel, Role::Server, None);
        while let Ok(message) = socket.read() {
            if message.is_text() && socket.send(message).is_err() {
                break;
            }
        }
        let mut exchange = socket.into_inner().exchange;
        exchange.end();
    })
}

/// The other end of a [`Tunnel`].
struct Served {
    exchange: portunus_testkit::H2Exchange,
    ahead: Vec<u8>,
}

impl std::io::Read for Served {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ahead.is_empty() {
            self.ahead = self.exchange.read_some();
        }
        let count = buffer.len().min(self.ahead.len());
        buffer[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

impl std::io::Write for Served {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.exchange.send(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn websockets_over_http_2_reach_origins_of_http_1() {
    let authority = Authority::new("the test's");
    let origin = websocket::echoing();
    let program = before(&origin.to_string(), "", &authority);
    let plain = H2Client::connect(&program.address("web"));
    let secure = TlsClient::trusting(&authority).h2(&program.address("secure"), "shop.test");
    for client in [&plain, &secure] {
        let mut sockets = [open(client, "/a"), open(client, "/b")];
        for socket in &mut sockets {
            assert_eq!(ask(socket, "hello"), "hello");
            let long = "long ".repeat(50_000);
            assert_eq!(ask(socket, &long), long);
        }
        for socket in &mut sockets {
            socket.close(None).unwrap();
            while socket.read().is_ok() {}
        }
    }
    drop((plain, secure));
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn websockets_over_either_reach_origins_of_http_2() {
    let authority = Authority::new("the test's");
    let origin = echoing_h2();
    let program = before(&origin.to_string(), ", http: 2", &authority);
    let client = H2Client::connect(&program.address("web"));
    let mut socket = open(&client, "/over-h2");
    assert_eq!(ask(&mut socket, "hello"), "hello");
    let request = origin.last();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "/over-h2"));
    let mut old = websocket::connect(&program, "/over-h1");
    assert_eq!(websocket::ask(&mut old, "hello"), "hello");
    let long = "long ".repeat(50_000);
    assert_eq!(websocket::ask(&mut old, &long), long);
    assert_eq!(origin.last().protocol.as_deref(), Some("websocket"));
}

#[test]
fn an_origin_may_refuse_a_websocket_over_http_2() {
    let origin = Origin::new(|_| portunus_testkit::Response::text("not here").with_status(403));
    let program = Program::before(&origin);
    let client = H2Client::connect(&program.address("web"));
    eventually("the program says that it takes them", || client.takes_extended_connect());
    let sending = client.request("CONNECT", "/chat").protocol("websocket");
    let mut stream = sending.header("sec-websocket-version", "13").open();
    assert_eq!(stream.head().0, 403);
    assert_eq!(stream.finish().text(), "not here");
}

#[test]
fn an_origin_that_ignores_a_websocket_opens_no_tunnel() {
    // Over HTTP/2 each status of success opens one (RFC 8441 section 5): 200 of HTTP/1 must not.
    let origin = Origin::text("a page");
    let program = Program::before(&origin);
    let client = H2Client::connect(&program.address("web"));
    eventually("the program says that it takes them", || client.takes_extended_connect());
    let sending = client.request("CONNECT", "/chat").protocol("websocket");
    let mut stream = sending.header("sec-websocket-version", "13").open();
    let (status, headers) = stream.head();
    assert!(status >= 400, "{status} {headers:?}");
}

#[test]
fn a_websocket_over_http_2_survives_a_reload() {
    let origin = websocket::echoing();
    let config = |word: &str| {
        format!(
            "hosts: {{\"*\": {{routes: {{/chat: \"{origin}\", /word: {{respond: {word}}}}}}}}}\n"
        )
    };
    let program = Program::config(&config("before")).start();
    let client = H2Client::connect(&program.address("web"));
    let mut socket = open(&client, "/chat");
    assert_eq!(ask(&mut socket, "before"), "before");
    program.reload(&config("after"));
    assert_eq!(client.get("/word").text(), "after");
    assert_eq!(ask(&mut socket, "after"), "after");
}

#[test]
fn a_tunnel_that_nobody_uses_ends_and_so_does_one_that_lives_too_long() {
    let origin = websocket::echoing();
    let config = r#"
hosts:
  "*":
    routes:
      /idle: {to: "{origin}", timeouts: {tunnel_idle: 200ms}}
      /life: {to: "{origin}", timeouts: {tunnel_lifetime: 300ms}}
"#;
    let program = Program::config(config).fill("origin", &origin).start();
    for path in ["/idle", "/life"] {
        let mut old = websocket::connect(&program, path);
        assert_eq!(websocket::ask(&mut old, "hello"), "hello");
        while old.read().is_ok() {}
        let client = H2Client::connect(&program.address("web"));
        let mut socket = open(&client, path);
        assert_eq!(ask(&mut socket, "hello"), "hello");
        while socket.read().is_ok() {}
    }
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn the_end_of_the_process_ends_tunnels_over_http_2() {
    let origin = websocket::echoing();
    let config = "shutdown: 300ms\nhosts: {\"*\": {routes: {/**: \"{origin}\"}}}\n";
    let mut program = Program::config(config).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let mut socket = open(&client, "/chat");
    assert_eq!(ask(&mut socket, "hello"), "hello");
    program.signal(Signal::TERM);
    client.wait_for_goaway();
    // It may still talk until the grace is over.
    assert_eq!(ask(&mut socket, "still"), "still");
    while socket.read().is_ok() {}
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_protocol_that_nobody_knows_is_refused() {
    let origin = Origin::text("fine");
    let program = Program::before(&origin);
    let client = H2Client::connect(&program.address("web"));
    assert_eq!(client.get("/").text(), "fine");
    let mut stream = client.request("CONNECT", "/").protocol("unknown").open();
    match stream.try_head() {
        Ok((status, _)) => assert!((400..=501).contains(&status), "{status}"),
        Err(broken) => assert!(matches!(broken, Broken::Reset(_)), "{broken:?}"),
    }
    assert_eq!(client.get("/").text(), "fine");
}
