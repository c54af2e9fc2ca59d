//! Upgrades: WebSockets and other protocols through a tunnel.

use portunus_testkit::{Origin, Program, Response};
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

/// An origin that speaks WebSocket and sends each text back.
pub(crate) fn echoing() -> Origin {
    Origin::raw(|peer| {
        let mut socket = tungstenite::accept(peer.into_tcp()).unwrap();
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).unwrap();
            }
        }
    })
}

/// A WebSocket through the program.
pub(crate) fn connect(program: &Program, path: &str) -> WebSocket<std::net::TcpStream> {
    let request = format!("ws://shop.test{path}").into_client_request().unwrap();
    let (socket, answer) = tungstenite::client(request, program.client().into_tcp()).unwrap();
    assert_eq!(answer.status().as_u16(), 101);
    socket
}

pub(crate) fn ask(socket: &mut WebSocket<std::net::TcpStream>, text: &str) -> String {
    socket.send(Message::text(text)).unwrap();
    socket.read().unwrap().into_text().unwrap().to_string()
}

#[test]
fn messages_pass_both_ways_and_the_close_too() {
    let origin = echoing();
    let program = Program::before(&origin);
    let mut socket = connect(&program, "/chat");
    assert_eq!(ask(&mut socket, "hello"), "hello");
    let long = "long ".repeat(50_000);
    assert_eq!(ask(&mut socket, &long), long);
    socket.close(None).unwrap();
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, tungstenite::Error::ConnectionClosed), "{error}");
                break;
            }
        }
    }
}

/// An upgrade to a protocol without frames.
const UPGRADE: &str =
    "GET /raw HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";

#[test]
fn bytes_that_come_with_the_switch_are_not_lost() {
    let origin = Origin::raw(|mut peer| {
        let request = peer.request().unwrap();
        assert_eq!(request.header("upgrade"), Some("raw"));
        assert!(request.headers.has_token("connection", "upgrade"), "{request:?}");
        peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nfirst");
        let more = peer.read_bytes(4);
        peer.send(more);
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send(UPGRADE);
    let head = client.read_head();
    assert!(head.line.starts_with("HTTP/1.1 101 "), "{head:?}");
    assert_eq!(head.headers.one("upgrade"), Some("raw"));
    assert_eq!(client.read_bytes(5), b"first");
    client.send("ping");
    assert_eq!(client.read_bytes(4), b"ping");
    client.wait_for_close();
}

#[test]
fn the_end_of_the_client_s_side_passes_through_a_tunnel_and_the_rest_comes_back() {
    let origin = Origin::raw(|mut peer| {
        peer.request().unwrap();
        peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n");
        let all = peer.read_bytes(usize::MAX);
        peer.send(format!("{} bytes", all.len()));
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send(UPGRADE);
    client.read_head();
    client.send("abc");
    client.half_close();
    assert_eq!(client.read_bytes(7), b"3 bytes");
    client.wait_for_close();
}

#[test]
fn an_origin_may_answer_an_upgrade_as_any_other_request() {
    let origin = Origin::new(|_| Response::text("not here").with_status(403));
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send(UPGRADE);
    assert_eq!(client.read().text(), "not here");
    assert_eq!(client.get("/").text(), "not here");
}

#[test]
fn an_upgrade_that_a_route_does_not_allow_never_reaches_the_origin() {
    let origin = Origin::text("plain");
    let program =
        Program::config("hosts: {\"*\": {routes: {/raw: {to: \"{origin}\", upgrade: false}}}}")
            .fill("origin", &origin)
            .start();
    let mut client = program.client();
    client.send(UPGRADE);
    let answer = client.read();
    assert_eq!((answer.status, answer.text()), (200, "plain"));
    let request = origin.request();
    assert_eq!((request.header("upgrade"), request.header("connection")), (None, None));
}
