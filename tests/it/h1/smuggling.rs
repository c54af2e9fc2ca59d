//! Requests that two parsers could understand in two ways: refused, with the reason, and closed.

use portunus_testkit::{Origin, Program, Response};

/// What stands after `Host`, what is refused about it, and how.
const HEADERS: &[(&str, u16, &str)] = &[
    ("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, "request.conflicting_length"),
    ("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "request.conflicting_length"),
    ("Content-Length: +3\r\n\r\nabc", 400, "request.bad_length"),
    ("Content-Length: 0x3\r\n\r\nabc", 400, "request.bad_length"),
    ("Content-Length: 3, 3\r\n\r\nabc", 400, "request.conflicting_length"),
    ("Content-Length: 99999999999999999999\r\n\r\nabc", 400, "request.bad_length"),
    (
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "request.length_with_transfer_encoding",
    ),
    ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "request.bad_transfer_encoding"),
    ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "request.unknown_transfer_coding"),
    ("Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, "request.bad_transfer_encoding"),
    ("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "request.bad_transfer_encoding"),
    ("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "request.space_before_colon"),
    ("X-A: b\r\n folded: c\r\n\r\n", 400, "request.folded_header"),
    ("X-A: b\nX-B: c\r\n\r\n", 400, "request.bare_lf"),
    ("X-A: b\rX-B: c\r\n\r\n", 400, "request.bare_cr"),
    ("X-A: b\0c\r\n\r\n", 400, "request.bad_header_value"),
    ("X(A): b\r\n\r\n", 400, "request.bad_header_name"),
    (": b\r\n\r\n", 400, "request.empty_header_name"),
    ("X-A\r\n\r\n", 400, "request.missing_colon"),
    ("Host: other.test\r\n\r\n", 400, "request.duplicate_host"),
    ("X_Forwarded_For: 1.2.3.4\r\n\r\n", 400, "request.lookalike_header"),
];

/// Whole heads that are refused.
const HEADS: &[(&str, u16, &str)] = &[
    ("GET / HTTP/1.1\r\n\r\n", 400, "request.missing_host"),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "request.bad_host"),
    ("GET / HTTP/1.1\r\nHost: u@shop.test\r\n\r\n", 400, "request.bad_host"),
    (
        "GET http://u:p@shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
        400,
        "request.userinfo_in_target",
    ),
    ("GET /a#b HTTP/1.1\r\nHost: shop.test\r\n\r\n", 400, "request.fragment_in_target"),
    ("GET / HTTP/2.0\r\nHost: shop.test\r\n\r\n", 505, "request.unsupported_version"),
    ("GET  / HTTP/1.1\r\nHost: shop.test\r\n\r\n", 400, "request."),
    ("G(T / HTTP/1.1\r\nHost: shop.test\r\n\r\n", 400, "request.bad_method"),
    (
        "POST / HTTP/1.0\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "request.transfer_encoding_in_1_0",
    ),
];

/// Chunked bodies that are refused once the head has passed.
const CHUNKS: &[&str] =
    &["-1\r\n", "0x3\r\nabc\r\n", "3 \r\nabc\r\n", "3\r\nabcX0\r\n\r\n", "\r\n", "3\nabc\r\n"];

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: shop.test\r\n\r\n";

fn echo() -> Origin {
    Origin::new(|request| Response::text(&request.target))
}

#[test]
fn a_head_with_two_meanings_is_refused_with_its_reason_and_the_connection_closed() {
    let origin = echo();
    let program = Program::before(&origin);
    let with_host = HEADERS.iter().map(|(rest, status, reason)| {
        (format!("POST / HTTP/1.1\r\nHost: shop.test\r\n{rest}"), *status, *reason)
    });
    let whole = HEADS.iter().map(|(head, status, reason)| ((*head).to_owned(), *status, *reason));
    for (bytes, status, reason) in with_host.chain(whole) {
        let mut client = program.client();
        client.send(format!("{bytes}{HIDDEN}"));
        let answer = client.read();
        let proxy_status = answer.header("proxy-status").unwrap_or_default();
        let seen = (answer.status, proxy_status.contains(reason));
        assert_eq!(seen, (status, true), "{bytes:?}: {answer:?}");
        assert!(answer.headers.has_token("connection", "close"), "{bytes:?}: {answer:?}");
        client.wait_for_close();
    }
    assert!(origin.requests().is_empty(), "{:?}", origin.requests());
}

#[test]
fn a_chunked_body_with_two_meanings_ends_the_connection_and_hides_no_request() {
    let origin = echo();
    let program = Program::before(&origin);
    for chunks in CHUNKS {
        let mut client = program.client();
        let head = "POST /open HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.send(format!("{head}{chunks}{HIDDEN}"));
        let answer = client.read();
        assert_eq!(answer.status, 400, "{chunks:?}: {answer:?}");
        client.wait_for_close();
    }
    let requests = origin.requests();
    assert!(requests.iter().all(|request| request.target == "/open" && !request.is_complete));
}

#[test]
fn bytes_that_are_no_http_are_answered_and_closed() {
    let origin = echo();
    let program = Program::before(&origin);
    for bytes in ["\0\0\0\0\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "{\"a\": 1}\r\n\r\n"] {
        let mut client = program.client();
        client.send(bytes);
        client.half_close();
        let answer = client.read();
        assert!((400..=505).contains(&answer.status), "{bytes:?}: {answer:?}");
        client.wait_for_close();
    }
    assert_eq!(program.get("/still").text(), "/still");
}
