//! Bodies in each framing, both ways.

use portunus_testkit::{Framing, Gate, Origin, Program, Response};

#[test]
fn chunks_and_trailers_pass_both_ways() {
    let origin = Origin::new(|_| Response::chunks(&["answer ", "text"], &[("X-Sum", "2")]));
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer =
        client.request("POST", "/").chunks(&["request ", "text"], &[("X-Sum", "1")]).send();
    let request = origin.request();
    assert_eq!((request.text(), request.trailers.one("x-sum")), ("request text", Some("1")));
    assert_eq!((answer.text(), answer.trailers.one("x-sum")), ("answer text", Some("2")));
    assert!(answer.keeps_connection());
}

#[test]
fn extensions_of_chunks_are_understood_and_not_passed_on() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    let head = "POST / HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}3;a=\"b;c\"\r\nabc\r\n0;d\r\n\r\n"));
    assert_eq!(client.read().status, 200);
    assert_eq!(origin.request().text(), "abc");
}

#[test]
fn bodies_of_a_known_length_pass_as_such() {
    let origin = Origin::new(|request| Response::text(&request.body));
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("POST", "/").body("abc").send();
    assert_eq!((answer.text(), answer.framing), ("abc", Framing::Length(3)));
    assert_eq!(origin.request().header("content-length"), Some("3"));
    assert_eq!(client.request("POST", "/").body("").send().text(), "");
    assert_eq!(origin.last().header("content-length"), Some("0"));
}

#[test]
fn large_bodies_pass_whole_both_ways() {
    let body: Vec<u8> = (0..6_000_000_u32).map(|at| (at % 251) as u8).collect();
    let origin = Origin::new(|request| Response::text(&request.body));
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("PUT", "/").body(&body).send();
    assert!(answer.is_complete && answer.body == body, "{} bytes", answer.body.len());
}

#[test]
fn an_answer_to_head_keeps_its_length_and_has_no_body() {
    let origin = Origin::text("abc");
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("HEAD", "/").send();
    assert_eq!(answer.header("content-length"), Some("3"));
    // A body would be read as the begin of this answer.
    assert_eq!(client.get("/").text(), "abc");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn answers_that_never_have_a_body_keep_the_connection() {
    let origin = Origin::new(|request| match request.target.as_str() {
        "/none" => Response::status(204),
        "/same" => Response::status(304).header("Content-Length", "3").header("ETag", "\"a\""),
        _ => Response::text("abc"),
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    let none = client.get("/none");
    assert_eq!((none.status, none.header("content-length")), (204, None));
    assert_eq!(none.header("transfer-encoding"), None);
    let same = client.get("/same");
    assert_eq!((same.status, same.header("etag")), (304, Some("\"a\"")));
    assert_eq!(client.get("/").text(), "abc");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_body_that_the_origin_ends_by_closing_does_not_close_the_client() {
    let origin = Origin::new(|_| Response::until_close("abc"));
    let program = Program::before(&origin);
    let mut client = program.client();
    for _ in 0..2 {
        let answer = client.get("/");
        assert_eq!((answer.text(), answer.framing), ("abc", Framing::Chunked));
        assert!(answer.keeps_connection());
    }
}

#[test]
fn an_answer_before_the_end_of_the_request_reaches_the_client_at_once() {
    let origin = Origin::raw(|mut peer| {
        if peer.head().is_some() {
            peer.send("HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
            peer.wait_for_close();
        }
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\npart");
    let answer = client.read();
    assert_eq!((answer.status, answer.text()), (413, "no"));
}

#[test]
fn pieces_of_an_answer_reach_the_client_as_they_come() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        opened.wait();
        peer.send("def");
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    client.read_head();
    assert_eq!(client.read_bytes(3), b"abc");
    gate.open();
    assert_eq!(client.read_bytes(3), b"def");
}

#[test]
fn pieces_of_a_request_reach_the_origin_as_they_come() {
    let origin = Origin::raw(|mut peer| {
        let request = peer.head().unwrap();
        assert_eq!(peer.read_bytes(3), b"abc");
        peer.send("HTTP/1.1 103 Got It\r\n\r\n");
        peer.read_bytes(3);
        peer.answer(&Response::text("all"), &request.method);
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 6\r\n\r\nabc");
    assert_eq!(client.read_head().line, "HTTP/1.1 103 Got It");
    client.send("def");
    assert_eq!(client.read().text(), "all");
}

#[test]
fn a_body_that_nobody_reads_is_not_taken_for_the_next_request() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: fine}}}}").start();
    let mut client = program.client();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    assert_eq!(client.request("POST", "/").body(hidden).send().text(), "fine");
    client.request("GET", "/").start();
    let next = client.read();
    assert_eq!((next.status, next.text()), (200, "fine"));
}
