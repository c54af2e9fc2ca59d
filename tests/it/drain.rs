//! The end of the process.

use portunus_testkit::{Client, Gate, H2Client, Origin, Program, Signal, eventually, faulty};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

use crate::websocket;

/// An origin that finishes its answer when it is told to.
fn waiting() -> (Origin, Gate) {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        opened.wait();
        peer.send("def");
        peer.wait_for_close();
    });
    (origin, gate)
}

fn drains(signal: Signal) {
    let (origin, gate) = waiting();
    let mut program = Program::before(&origin);
    let address = program.address("web");
    let mut client = program.client();
    client.request("GET", "/").start();
    let head = client.read_head();
    program.signal(signal);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    gate.open();
    let answer = client.read_body(&head);
    assert_eq!((answer.text(), answer.is_complete), ("abcdef", true));
    client.wait_for_close();
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_graceful_stop_finishes_what_runs_and_takes_nothing_new() {
    drains(Signal::TERM);
}

#[test]
fn quit_stops_gracefully_too() {
    drains(Signal::QUIT);
}

#[test]
fn with_a_delay_it_says_that_it_is_not_ready_and_goes_on_accepting() {
    let config = "hosts: {\"*\": {routes: {/: {respond: a}}}}\nshutdown: {delay: 1h}\n";
    let mut program = Program::config(config).start();
    let mut kept = program.client();
    assert_eq!(kept.get("/").header("connection"), None);
    program.signal(Signal::TERM);
    eventually("it is not ready", || program.admin("/readyz").status == 503);
    let answer = kept.get("/");
    assert_eq!((answer.text(), answer.header("connection")), ("a", Some("close")));
    assert_eq!(program.get("/").text(), "a");
    // Once more ends it at once.
    program.signal(Signal::TERM);
    assert_eq!(program.wait(), Some(2));
}

#[test]
fn who_was_let_in_before_the_stop_is_answered() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: a}}}}").start();
    // All of it waits in the system when the program hears that it is to stop.
    program.signal(Signal::STOP);
    let mut clients: Vec<_> = (0..50).map(|_| program.client()).collect();
    clients.iter_mut().for_each(|client| client.request("GET", "/").start());
    program.signal(Signal::TERM);
    program.signal(Signal::CONT);
    clients.iter_mut().for_each(|client| assert_eq!(client.read().text(), "a"));
}

#[test]
fn idle_clients_do_not_hold_up_the_stop() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: a}}}}").start();
    let mut client = program.client();
    client.get("/");
    program.stop();
    client.wait_for_close();
}

#[test]
fn what_runs_longer_than_the_grace_is_cut() {
    let origin = faulty::silent();
    let mut program =
        Program::config("shutdown: 100ms\nhosts: {\"*\": {routes: {/: \"{origin}\"}}}\n")
            .fill("origin", &origin)
            .start();
    let mut client = program.client();
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.signal(Signal::TERM);
    assert_eq!(program.wait(), Some(0));
    client.wait_for_close();
    program.wait_for_stderr(|line| line.contains("the grace is over"));
}

#[test]
fn a_second_interrupt_forces_the_end() {
    let origin = faulty::silent();
    let mut program = Program::before(&origin);
    let address = program.address("web");
    let mut client = Client::connect(&address);
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.signal(Signal::INT);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    program.signal(Signal::INT);
    assert_eq!(program.wait(), Some(2));
}

#[test]
fn while_it_drains_it_lives_and_is_not_ready() {
    let (origin, gate) = waiting();
    let program = Program::before(&origin);
    let address = program.address("web");
    assert_eq!(program.admin("/readyz").status, 200);
    let mut client = program.client();
    client.request("GET", "/").start();
    client.read_head();
    let mut admin = program.admin_client();
    program.signal(Signal::TERM);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    assert_eq!(admin.get("/readyz").status, 503);
    assert_eq!(admin.get("/healthz").status, 200);
    gate.open();
}

#[test]
fn an_answer_that_begins_while_it_drains_says_that_it_is_the_last() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        opened.wait();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
        peer.wait_for_close();
    });
    let mut program = Program::before(&origin);
    let address = program.address("web");
    let mut client = program.client();
    client.request("GET", "/").start();
    eventually("the origin has the request", || origin.requests().len() == 1);
    program.signal(Signal::TERM);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    gate.open();
    let head = client.read_head();
    assert_eq!(head.headers.one("connection"), Some("close"), "{head:?}");
    assert_eq!(client.read_body(&head).text(), "abc");
    client.wait_for_close();
    assert_eq!(program.wait(), Some(0));
}

/// An origin that answers texts, and says with which code its WebSocket was closed.
fn closing() -> (Origin, std::sync::mpsc::Receiver<Option<CloseCode>>) {
    let (sender, codes) = std::sync::mpsc::channel();
    let origin = Origin::raw(move |peer| {
        let mut socket = tungstenite::accept(peer.into_tcp()).unwrap();
        let _ = sender.send(code_of_the_end(&mut socket));
    });
    (origin, codes)
}

/// Answers texts until the WebSocket is closed; the code of the frame that says so, `None` without one.
fn code_of_the_end(socket: &mut WebSocket<std::net::TcpStream>) -> Option<CloseCode> {
    let mut code = None;
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => code = frame.map(|frame| frame.code),
            Ok(message) if message.is_text() => socket.send(message).unwrap(),
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return code,
            Err(_) => return None,
        }
    }
}

const SHORT: &str = "shutdown: 100ms\nhosts: {\"*\": {routes: {/: \"{origin}\"}}}\n";

#[test]
fn a_websocket_is_closed_at_both_sides_when_the_grace_is_over() {
    let (origin, codes) = closing();
    let mut program = Program::config(SHORT).fill("origin", &origin).start();
    let mut socket = websocket::connect(&program, "/");
    assert_eq!(websocket::ask(&mut socket, "hello"), "hello");
    program.signal(Signal::TERM);
    assert_eq!(code_of_the_end(&mut socket), Some(CloseCode::Away));
    drop(socket);
    assert_eq!(codes.recv().unwrap(), Some(CloseCode::Away));
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn no_frame_is_put_into_the_middle_of_another() {
    let (sent, received) = std::sync::mpsc::channel();
    let origin = Origin::raw(move |mut peer| {
        peer.request().unwrap();
        peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        // The first half of a frame of ten bytes.
        peer.send(b"\x82\x0ahello");
        let _ = sent.send(peer.read_bytes(usize::MAX));
    });
    let mut program = Program::config(SHORT).fill("origin", &origin).start();
    let mut client = program.client();
    client.send("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\n");
    client.send("Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    client.read_head();
    assert_eq!(client.read_bytes(7), b"\x82\x0ahello");
    program.signal(Signal::TERM);
    // Towards the client a frame is under way; towards the origin none is.
    client.wait_for_close();
    let close: [u8; 8] = received.recv().unwrap().try_into().unwrap();
    let [first, second, a, b, _, _, high, low] = close;
    assert_eq!((first, second), (0x88, 0x82));
    assert_eq!(u16::from_be_bytes([high ^ a, low ^ b]), 1001);
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_websocket_over_http2_is_closed_too() {
    let (origin, codes) = closing();
    let mut program = Program::config(SHORT).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    eventually("the program's settings have come", || client.takes_extended_connect());
    let asked = client.request("CONNECT", "/").protocol("websocket");
    let mut stream = asked.header("sec-websocket-version", "13").open();
    assert_eq!(stream.head().0, 200);
    program.signal(Signal::TERM);
    assert_eq!(stream.read(4), b"\x88\x02\x03\xe9");
    drop(stream);
    assert_eq!(codes.recv().unwrap(), Some(CloseCode::Away));
    assert_eq!(program.wait(), Some(0));
}
