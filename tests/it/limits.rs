//! What a client may send at most, and what an upstream may get.

use portunus_testkit::{Client, Origin, Program, eventually, faulty};

const LIMITED: &str = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    limits: {line_max: 100B, headers_max: 10, header_bytes_max: 1KiB}
hosts: {"*": {routes: {/**: "{origin}"}}}
"#;

fn refused(head: &str, status: u16, reason: &str) {
    let origin = Origin::text("a");
    let program = Program::config(LIMITED).fill("origin", &origin).start();
    let mut client = program.client();
    client.send(head);
    client.read().assert_own(status, reason);
    client.wait_for_close();
    assert!(origin.requests().is_empty());
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn a_line_over_the_limit_is_answered_414() {
    let line = format!("GET /{} HTTP/1.1\r\nHost: shop.test\r\n\r\n", "a".repeat(100));
    refused(&line, 414, "request.line_too_long");
}

#[test]
fn a_line_without_end_is_answered_at_the_limit() {
    refused(&format!("GET /{}", "a".repeat(200)), 414, "request.line_too_long");
}

#[test]
fn more_headers_than_the_limit_are_answered_431() {
    let headers = "X-A: b\r\n".repeat(10);
    let head = format!("GET / HTTP/1.1\r\nHost: shop.test\r\n{headers}\r\n");
    refused(&head, 431, "request.too_many_headers");
}

#[test]
fn a_head_over_the_limit_in_bytes_is_answered_431() {
    let header = format!("X-A: {}\r\n", "a".repeat(300)).repeat(4);
    let head = format!("GET / HTTP/1.1\r\nHost: shop.test\r\n{header}\r\n");
    refused(&head, 431, "request.headers_too_large");
}

#[test]
fn connections_over_the_limit_are_closed_and_room_is_made_by_those_that_end() {
    let program = Program::config(
        r#"
listeners: {web: {address: "127.0.0.1:0", limits: {connections_max: 2}}}
hosts: {"*": {routes: {/: {respond: a}}}}
"#,
    )
    .start();
    let (mut one, mut two) = (program.client(), program.client());
    assert_eq!((one.get("/").status, two.get("/").status), (200, 200));
    Client::connect(&program.address("web")).wait_for_close();
    drop(one);
    let refused = ("portunus_listener_connections_open", [("listener", "web")]);
    eventually("one connection is left", || program.metrics().sum(refused.0, &refused.1) == 1.0);
    assert_eq!(program.get("/").status, 200);
}

#[test]
fn requests_over_the_limit_of_an_upstream_are_answered_503_at_once() {
    let origin = faulty::silent();
    let program = Program::config(
        r#"
upstreams: {slow: {endpoints: "{origin}", limits: {requests_max: 1}}}
hosts: {"*": {routes: {/: slow}}}
"#,
    )
    .fill("origin", &origin)
    .start();
    let mut first = program.client();
    first.request("GET", "/").start();
    origin.wait_for(1);
    program.get("/").assert_own(503, "upstream.busy");
    assert_eq!(origin.requests().len(), 1);
}
