//! Clients that are slow: those who stall or drip are cut, and nobody else.

use std::io::{Read, Write};

use portunus_testkit::{Gate, H2Client, Origin, Peer, Program, Response, Transport, eventually};

use crate::tls::Site;

/// Pauses of up to a second, and floors that nobody keeps to who reads or writes a little at a time.
const STRICT: &str = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    timeouts: {request_idle: 1s}
    limits: {upload_rate_min: 100KB/s, download_rate_min: 1GB/s}
hosts:
  "*":
    routes:
      /**: "{origin}"
      /clock: {use: [{fault: {delay: 250ms}}], respond: tick}
"#;
/// How much of an answer is sent at once.
const PIECE: usize = 64 << 10;

fn strict(origin: &Origin) -> Program {
    Program::config(STRICT).fill("origin", origin).start()
}

fn cut(program: &Program, reason: &str) -> bool {
    program.metrics().sum("portunus_replies_total", &[("reason", reason)]) == 1.0
}

/// A quarter of a second, by the program's clock.
fn tick(program: &Program) {
    assert_eq!(program.get("/clock").text(), "tick");
}

/// Sends an answer without end, until nobody takes it.
fn endless(framing: &'static str) -> Origin {
    Origin::raw(move |mut peer: Peer| {
        let head = peer.request().map(|_| format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
        let mut stream = peer.into_tcp();
        let mut sent = stream.write_all(head.unwrap_or_default().as_bytes());
        let piece = format!("{PIECE:x}\r\n{}\r\n", "a".repeat(PIECE));
        while sent.is_ok() {
            sent = stream.write_all(piece.as_bytes());
        }
    })
}

#[test]
fn a_request_that_drips_is_answered_408_and_the_connection_closed() {
    let origin = Origin::text("a");
    let program = strict(&origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 99999\r\n\r\n");
    eventually("the drip is cut", || {
        client.send("a");
        cut(&program, "client.body_too_slow")
    });
    let answer = client.read();
    answer.assert_own(408, "client.body_too_slow");
    assert!(!answer.keeps_connection());
}

#[test]
fn a_request_that_drips_over_http_2_is_cut_and_the_connection_stays() {
    let origin = Origin::text("a");
    let program = strict(&origin);
    let client = H2Client::connect(&program.address("web"));
    let mut slow = client.request("POST", "/").open();
    eventually("the drip is cut", || {
        let _ = slow.try_send("a");
        cut(&program, "client.body_too_slow")
    });
    assert_eq!(slow.head().0, 408);
    assert_eq!(client.get("/").text(), "a");
}

#[test]
fn a_call_of_grpc_may_be_silent_for_as_long_as_a_pause_may_be() {
    let origin = Origin::over(Transport::h2(), |_| Response::text("a"));
    let upstream = "\"{origin}\"\n";
    let config =
        STRICT.replace(upstream, "up\n") + "upstreams: {up: {endpoints: \"{origin}\", http: 2}}\n";
    let program = Program::config(&config).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let call = client.request("POST", "/").header("content-type", "application/grpc");
    let mut call = call.open();
    for _ in 0..8 {
        call.send("a");
        tick(&program);
    }
    call.end();
    assert_eq!(call.head().0, 200);
}

#[test]
fn who_only_says_that_it_speaks_grpc_keeps_to_the_floor() {
    let origin = Origin::text("a");
    let program = strict(&origin);
    let client = H2Client::connect(&program.address("web"));
    let call = client.request("POST", "/").header("content-type", "application/grpc");
    let mut call = call.open();
    eventually("the drip is cut", || {
        let _ = call.try_send("a");
        cut(&program, "client.body_too_slow")
    });
}

#[test]
fn what_is_said_beside_an_answer_may_be_said_slowly() {
    let origin = Origin::raw(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        for _ in 0..8 {
            peer.read_bytes(6);
        }
        peer.send("0\r\n\r\n");
    });
    let program = strict(&origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = client.read_head();
    for _ in 0..8 {
        client.send("1\r\na\r\n");
        tick(&program);
    }
    let answer = client.read_body(&head);
    assert_eq!((answer.text(), answer.is_complete), ("a", true));
}

#[test]
fn the_wait_for_a_sign_to_go_on_is_forgiven() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        let request = peer.head().unwrap();
        opened.wait();
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = peer.body_of(&request);
        peer.answer(&Response::text(body.bytes), "POST");
    });
    let program = strict(&origin);
    let mut client = program.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
    );
    origin.wait_for(1);
    // Longer than a pause may last.
    (0..6).for_each(|_| tick(&program));
    gate.open();
    client.read_head();
    (0..2).for_each(|_| tick(&program));
    client.send("a");
    assert_eq!(client.read().text(), "a");
}

#[test]
fn an_origin_that_does_not_read_makes_no_client_slow() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        let request = peer.head().unwrap();
        opened.wait();
        let body = peer.body_of(&request);
        peer.answer(&Response::text(body.bytes.len().to_string()), "POST");
    });
    let config = STRICT.replace("request_idle: 1s", "request_idle: 2s");
    let program = Program::config(&config).fill("origin", &origin).start();
    let mut client = program.client();
    let body = vec![b'a'; 16 << 20];
    std::thread::scope(|scope| {
        let uploading = scope.spawn(|| client.request("POST", "/").body(&body).send());
        origin.wait_for(1);
        (0..10).for_each(|_| tick(&program));
        gate.open();
        assert_eq!(uploading.join().unwrap().text(), body.len().to_string());
    });
}

#[test]
fn an_event_stream_is_no_slow_answer() {
    let (gate, ends) = (Gate::new(), Gate::new());
    let (opened, over) = (gate.clone(), ends.clone());
    let origin = Origin::raw(move |mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
        opened.wait();
        peer.send("data: 2\n\n");
        over.wait();
    });
    let program = strict(&origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    let head = client.read_head();
    (0..6).for_each(|_| tick(&program));
    gate.open();
    ends.open();
    assert_eq!(client.read_body(&head).text(), "data: 1\n\ndata: 2\n\n");
}

/// Reads some of an answer again and again, until the program cuts it. So much that it is seen to be taken: the system
/// tells of a buffer that is read when a good part of it is free.
#[track_caller]
fn read_slowly(program: &Program, mut stream: impl Read) {
    let mut piece = vec![0; 16 * PIECE];
    eventually("the reader is cut", || {
        // After the cut there is nothing to read.
        let _ = stream.read(&mut piece);
        cut(program, "client.answer_too_slow")
    });
    crate::hostile::wait_for_rest(program);
}

#[test]
fn a_client_that_takes_its_answer_too_slowly_is_cut() {
    for framing in ["Content-Length: 268435456", "Transfer-Encoding: chunked"] {
        let origin = endless(framing);
        let program = strict(&origin);
        let mut client = program.client();
        client.request("GET", "/").start();
        read_slowly(&program, client.into_stream());
    }
}

#[test]
fn so_is_one_over_tls() {
    let (site, origin) = (Site::new(), endless("Transfer-Encoding: chunked"));
    let secure =
        STRICT.replace("    timeouts", "    tls: [{cert: site.pem, key: site.key}]\n    timeouts");
    let program = site.config(&secure).fill("origin", &origin).start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    client.request("GET", "/").start();
    read_slowly(&program, client.into_stream());
}

#[test]
fn so_is_one_over_http_2_and_its_connection_stays() {
    let origin = endless("Transfer-Encoding: chunked");
    let config = format!("{STRICT}      /fine: {{respond: fine}}\n");
    let program = Program::config(&config).fill("origin", &origin).start();
    let client = H2Client::connect_with(&program.address("web"), 65_535);
    let mut slow = client.request("GET", "/").start().unwrap();
    eventually("the reader is cut", || {
        let _ = slow.try_data();
        cut(&program, "client.answer_too_slow")
    });
    assert_eq!(client.get("/fine").text(), "fine");
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_cut_and_its_origin_not_blamed() {
    for framing in ["Content-Length: 268435456", "Transfer-Encoding: chunked"] {
        let origin = endless(framing);
        let program = strict(&origin);
        let mut client = program.client();
        client.request("GET", "/").start();
        eventually("the client is cut", || too_slow(&program) == 1.0);
        crate::hostile::wait_for_rest(&program);
    }
}

#[test]
fn without_floors_only_pauses_are_bounded() {
    let origin = Origin::text("a");
    let config = STRICT.replace("100KB/s", "0B/s").replace("1GB/s", "0B/s");
    let program = Program::config(&config).fill("origin", &origin).start();
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 8\r\n\r\n");
    for _ in 0..8 {
        client.send("a");
        tick(&program);
    }
    assert_eq!(client.read().text(), "a");
}

/// A floor that a reader can keep to, or not.
fn fair(config: &str) -> String {
    config.replace("request_idle: 1s", "request_idle: 2s").replace("1GB/s", "100KB/s")
}

fn too_slow(program: &Program) -> f64 {
    ["client.answer_too_slow", "client.timeout"]
        .iter()
        .map(|reason| program.metrics().sum("portunus_replies_total", &[("reason", reason)]))
        .sum()
}

/// Reads several times what the floor asks for, with pauses, for several times as long as a pause may last.
#[track_caller]
fn read_steadily(program: &Program, mut stream: impl Read) {
    let mut piece = vec![0; 2 * PIECE];
    for _ in 0..28 {
        stream.read_exact(&mut piece).unwrap();
        tick(program);
    }
    assert_eq!(too_slow(program), 0.0);
}

#[test]
fn a_client_well_above_the_floor_is_never_cut() {
    for framing in ["Content-Length: 268435456", "Transfer-Encoding: chunked"] {
        let origin = endless(framing);
        let program = Program::config(&fair(STRICT)).fill("origin", &origin).start();
        let mut client = program.client();
        client.request("GET", "/").start();
        read_steadily(&program, client.into_stream());
    }
}

#[test]
fn neither_is_one_over_tls() {
    let (site, origin) = (Site::new(), endless("Transfer-Encoding: chunked"));
    let secure =
        STRICT.replace("    timeouts", "    tls: [{cert: site.pem, key: site.key}]\n    timeouts");
    let program = site.config(&fair(&secure)).fill("origin", &origin).start();
    let mut client = site.client().h1(&program.address("web"), "shop.test");
    client.request("GET", "/").start();
    let mut stream = client.into_stream();
    let mut piece = vec![0; 2 * PIECE];
    for _ in 0..28 {
        stream.read_exact(&mut piece).unwrap();
        std::thread::park_timeout(std::time::Duration::from_millis(250));
    }
    assert_eq!(too_slow(&program), 0.0);
}

#[test]
fn neither_is_one_over_http_2() {
    let origin = endless("Transfer-Encoding: chunked");
    let program = Program::config(&fair(STRICT)).fill("origin", &origin).start();
    let client = H2Client::connect_with(&program.address("web"), 65_535);
    let mut stream = client.request("GET", "/").start().unwrap();
    for _ in 0..28 {
        let mut left = PIECE;
        while left > 0 {
            left = left.saturating_sub(stream.data().unwrap().len());
        }
        tick(&program);
    }
    assert_eq!(too_slow(&program), 0.0);
}

#[test]
fn a_client_far_below_the_floor_is_cut() {
    for framing in ["Content-Length: 268435456", "Transfer-Encoding: chunked"] {
        let origin = endless(framing);
        let program = Program::config(&fair(STRICT)).fill("origin", &origin).start();
        let mut client = program.client();
        client.request("GET", "/").start();
        let (mut stream, mut piece) = (client.into_stream(), vec![0; 1024]);
        eventually("the reader is cut", || {
            let _ = stream.read(&mut piece);
            tick(&program);
            too_slow(&program) == 1.0
        });
    }
}
