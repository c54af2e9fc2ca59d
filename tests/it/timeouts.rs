//! How long who is waited for.

use portunus_testkit::{End, Origin, Program, faulty};

fn program(config: &str, origin: &impl std::fmt::Display) -> Program {
    Program::config(config).fill("origin", origin).start()
}

#[test]
fn a_client_that_does_not_finish_its_head_is_answered_408_and_closed() {
    let config = r#"
listeners: {web: {address: "127.0.0.1:0", timeouts: {header_read: 100ms}}}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;
    let program = program(config, &"");
    let mut client = program.client();
    client.send("GET / HTTP/1.1\r\nHo");
    client.read().assert_own(408, "client.timeout");
    client.wait_for_close();
}

#[test]
fn a_client_that_stops_in_the_middle_of_its_body_is_answered_408() {
    let config = r#"
listeners: {web: {address: "127.0.0.1:0", timeouts: {request_idle: 100ms}}}
hosts: {"*": {routes: {/: "{origin}"}}}
"#;
    let origin = Origin::text("a");
    let program = program(config, &origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9\r\n\r\nabc");
    client.read().assert_own(408, "client.timeout");
    client.wait_for_close();
}

#[test]
fn an_idle_client_is_closed_without_a_word() {
    let config = r#"
listeners: {web: {address: "127.0.0.1:0", timeouts: {keep_alive: 100ms}}}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;
    let program = program(config, &"");
    let mut client = program.client();
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.wait_for_close(), End::Closed);
}

#[test]
fn an_origin_that_does_not_begin_its_answer_is_answered_for_with_504() {
    let config = r#"
upstreams: {slow: {endpoints: "{origin}", timeouts: {first_byte: 100ms}}}
hosts: {"*": {routes: {/: slow}}}
"#;
    program(config, &faulty::silent()).get("/").assert_own(504, "upstream.first_byte_timeout");
}

#[test]
fn a_route_s_timeout_counts_before_that_of_its_upstream() {
    let config = r#"
upstreams: {slow: {endpoints: "{origin}", timeouts: {first_byte: 1m}}}
hosts: {"*": {routes: {/: {to: slow, timeouts: {first_byte: 100ms}}}}}
"#;
    program(config, &faulty::silent()).get("/").assert_own(504, "upstream.first_byte_timeout");
}

#[test]
fn an_origin_that_cannot_be_reached_in_time_is_answered_for_with_504() {
    let config = r#"
upstreams: {far: {endpoints: "{origin}", timeouts: {connect: 200ms}}}
hosts: {"*": {routes: {/: {to: far, retry: 1}}}}
"#;
    let origin = faulty::unreachable();
    program(config, &origin).get("/").assert_own(504, "upstream.connect_timeout");
}

#[test]
fn an_answer_that_stalls_is_cut_so_that_the_client_can_tell() {
    let config = r#"
upstreams: {slow: {endpoints: "{origin}", timeouts: {idle: 100ms}}}
hosts: {"*": {routes: {/: slow}}}
"#;
    let bodies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabc",
    ];
    for bytes in bodies {
        let answer = program(config, &faulty::saying_then_silent(bytes)).get("/");
        assert_eq!((answer.text(), answer.is_complete), ("abc", false), "{bytes:?}: {answer:?}");
    }
}

#[test]
fn the_whole_exchange_has_a_limit_where_the_route_sets_one() {
    let config = "hosts: {\"*\": {routes: {/: {to: \"{origin}\", timeouts: {request: 100ms}}}}}";
    program(config, &faulty::silent()).get("/").assert_own(504, "request.timeout");
}

#[test]
fn an_upload_that_keeps_coming_is_not_cut_by_the_limit_between_its_pieces() {
    let config = r#"
listeners: {web: {address: "127.0.0.1:0", timeouts: {request_idle: 2s, header_read: 100ms}}}
hosts: {"*": {routes: {/: "{origin}"}}}
"#;
    let origin = Origin::raw(|mut peer| {
        let request = peer.head().unwrap();
        for _ in 0..5 {
            peer.read_bytes(1);
            // The client sends the next piece only after it has seen this.
            peer.send("HTTP/1.1 103 More\r\n\r\n");
        }
        peer.answer(&portunus_testkit::Response::text("all"), &request.method);
    });
    let program = program(config, &origin);
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\n");
    for _ in 0..5 {
        client.send("a");
        client.read_head();
    }
    assert_eq!(client.read().text(), "all");
}
