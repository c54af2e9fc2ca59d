//! How long connections live, and what belongs to them alone.

use portunus_testkit::{Client, End, Framing, Origin, Program, Response};

#[test]
fn both_connections_are_kept_from_request_to_request() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    for _ in 0..5 {
        assert!(client.get("/").keeps_connection());
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn clients_share_the_connections_to_an_origin() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    for _ in 0..5 {
        program.get("/");
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let origin = Origin::new(|request| Response::text(format!("got {}", request.target)));
    let program = Program::before(&origin);
    let mut client = program.client();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    let post = "POST /b HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\nabc";
    client.send(request("/a") + post + &request("/c"));
    let answers: Vec<_> = (0..3).map(|_| client.read().text().to_owned()).collect();
    assert_eq!(answers, ["got /a", "got /b", "got /c"]);
    assert_eq!(origin.requests()[1].text(), "abc");
}

#[test]
fn a_client_that_asks_to_close_is_told_so_and_closed() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("GET", "/").header("Connection", "close").send();
    assert!(answer.headers.has_token("connection", "close"), "{answer:?}");
    assert_eq!(client.wait_for_close(), End::Closed);
    assert!(!origin.request().headers.has_token("connection", "close"));
}

#[test]
fn a_client_of_http_1_0_gets_a_body_without_chunks_and_is_closed() {
    let origin = Origin::new(|_| Response::chunks(&["ab", "c"], &[]));
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("GET", "/").http10().send();
    assert_eq!((answer.text(), answer.framing), ("abc", Framing::UntilClose));
    assert_eq!(client.wait_for_close(), End::Closed);
    assert_eq!(origin.request().version, "HTTP/1.1");
}

#[test]
fn a_client_of_http_1_0_may_ask_to_be_kept() {
    let origin = Origin::text("abc");
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client.request("GET", "/").http10().header("Connection", "keep-alive").send();
    assert_eq!(answer.text(), "abc");
    if answer.keeps_connection() {
        assert_eq!(client.get("/").text(), "abc");
    } else {
        assert_eq!(client.wait_for_close(), End::Closed);
    }
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    client.half_close();
    assert_eq!(client.read().text(), "a");
    assert_eq!(client.wait_for_close(), End::Closed);
}

#[test]
fn an_origin_that_closes_after_each_answer_is_asked_anew() {
    let origin = Origin::new(|_| Response::text("a").then_close());
    let program = Program::before(&origin);
    let mut client = program.client();
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "a");
    }
    assert_eq!(origin.connections(), 5);
}

#[test]
fn an_origin_that_says_close_is_not_used_again() {
    let origin = Origin::new(|_| Response::text("a").header("Connection", "close"));
    let program = Program::before(&origin);
    let mut client = program.client();
    for _ in 0..2 {
        let answer = client.get("/");
        assert!(answer.keeps_connection(), "the client's connection is its own: {answer:?}");
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn headers_of_the_connection_stay_on_it() {
    let origin = Origin::new(|_| {
        Response::text("a")
            .header("Connection", "X-Secret")
            .header("X-Secret", "1")
            .header("Keep-Alive", "timeout=5")
            .header("X-Open", "1")
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client
        .request("GET", "/")
        .header("Connection", "keep-alive, X-Hidden")
        .header("X-Hidden", "1")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Connection", "keep-alive")
        .header("TE", "trailers")
        .header("X-Open", "1")
        .send();
    let request = origin.request();
    for name in ["x-hidden", "keep-alive", "proxy-connection", "te"] {
        assert_eq!(request.header(name), None, "{request:?}");
    }
    assert_eq!(request.header("x-open"), Some("1"));
    assert_eq!((answer.header("x-secret"), answer.header("keep-alive")), (None, None));
    assert_eq!(answer.header("x-open"), Some("1"));
}

#[test]
fn the_rest_of_the_headers_keep_their_order_and_their_bytes() {
    let origin = Origin::new(|_| {
        Response::text("a")
            .header("Set-Cookie", "b=2")
            .header("x-lOwEr", "\u{e9}")
            .header("Set-Cookie", "a=1")
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    let answer = client
        .request("GET", "/")
        .header("X-B", "1")
        .header("x-a", "\u{e9} ,")
        .header("X-B", "2")
        .send();
    let request = origin.request();
    let ours = |name: &str| ["X-B", "x-a"].contains(&name);
    let seen: Vec<_> = request.headers.0.iter().filter(|(name, _)| ours(name)).collect();
    let seen: Vec<_> = seen.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(seen, [("X-B", "1"), ("x-a", "\u{e9} ,"), ("X-B", "2")]);
    assert_eq!(answer.headers.all("set-cookie").collect::<Vec<_>>(), ["b=2", "a=1"]);
    assert!(answer.headers.0.contains(&("x-lOwEr".to_owned(), "\u{e9}".to_owned())), "{answer:?}");
}

#[test]
fn a_head_that_comes_byte_by_byte_is_understood() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    for byte in b"GET /slow HTTP/1.1\r\nHost: shop.test\r\nX-A: 1\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.read().text(), "a");
    assert_eq!(origin.request().target, "/slow");
}

#[test]
fn empty_lines_before_a_request_are_skipped() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = Client::connect(&program.address("web"));
    client.send("\r\n\r\nGET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    assert_eq!(client.read().status, 200);
}
