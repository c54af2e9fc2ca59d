//! `Expect: 100-continue` and other interim answers.

use portunus_testkit::{Origin, Program, Response};

const ASKING: &str =
    "POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn the_client_is_asked_for_its_body_when_the_origin_wants_it() {
    let origin = Origin::raw(|mut peer| {
        let request = peer.head().unwrap();
        assert_eq!(request.header("expect"), Some("100-continue"));
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = peer.body_of(&request);
        peer.answer(&Response::text(&body.bytes), "POST");
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send(ASKING);
    assert!(client.read_head().line.starts_with("HTTP/1.1 100 "));
    client.send("body");
    let answer = client.read();
    assert_eq!((answer.status, answer.text()), (200, "body"));
    assert!(answer.interim.is_empty(), "asked twice: {answer:?}");
}

#[test]
fn a_refusal_comes_before_the_client_has_sent_its_body() {
    let origin = Origin::raw(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        peer.wait_for_close();
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.send(ASKING);
    let answer = client.read();
    assert_eq!((answer.status, answer.text()), (401, "no"));
    assert!(answer.interim.is_empty(), "nobody wanted the body: {answer:?}");
}

#[test]
fn a_client_that_waits_for_100_gets_an_own_answer_at_once() {
    let config = "hosts: {\"*\": {routes: {/: {use: [limits: 3B], to: \"http://127.0.0.1:9\"}}}}";
    let program = Program::config(config).start();
    let mut client = program.client();
    client.send(ASKING);
    client.read().assert_own(413, "limit.body");
}

#[test]
fn early_hints_pass_with_their_headers() {
    let origin = Origin::new(|_| {
        Response::text("a")
            .after("103 Early Hints", "Link: </a.css>\r\n")
            .after("103 Early Hints", "Link: </b.css>\r\n")
    });
    let program = Program::before(&origin);
    let answer = program.get("/");
    let links: Vec<_> = answer.interim.iter().map(|head| head.headers.one("link")).collect();
    assert_eq!(links, [Some("</a.css>"), Some("</b.css>")]);
    assert_eq!(answer.text(), "a");
}

#[test]
fn a_client_of_http_1_0_gets_no_interim_answer() {
    let origin = Origin::new(|_| Response::text("a").after("103 Early Hints", ""));
    let program = Program::before(&origin);
    let answer = program.client().request("GET", "/").http10().send();
    assert_eq!((answer.status, answer.interim.len()), (200, 0));
}
