use super::*;

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn request(method: &str, fields: &[(&str, &str)]) -> RequestHead {
    let mut head = RequestHead::default();
    head.set_method(method.as_bytes());
    head.set_path(b"/a");
    head.set_authority(b"shop");
    fields.iter().for_each(|(name, value)| head.headers.append(name.as_bytes(), value.as_bytes()));
    head
}

fn response(status: u16, fields: &[(&str, &str)]) -> ResponseHead {
    let mut head = ResponseHead::default();
    head.set_status(status);
    fields.iter().for_each(|(name, value)| head.headers.append(name.as_bytes(), value.as_bytes()));
    head
}

#[test]
fn a_request_is_written_with_our_framing_and_without_hop_headers() {
    let check = |head: &RequestHead, framing, expected: &str| {
        let mut out = Vec::new();
        encode_request(head, framing, &mut out);
        assert_eq!(text(out), expected);
    };
    let mut head =
        request("GET", &[("X-a", "b"), ("Connection", "close"), ("Content-Length", "9")]);
    check(&head, Framing::None, "GET /a HTTP/1.1\r\nHost: shop\r\nX-a: b\r\n\r\n");
    head.set_query(Some(b"c=d"));
    let chunked =
        "GET /a?c=d HTTP/1.1\r\nHost: shop\r\nX-a: b\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&head, Framing::Chunked, chunked);
    check(&head, Framing::Close, chunked);
    let head = request("POST", &[("host", "other"), ("Upgrade", "h2c"), ("Keep-Alive", "5")]);
    check(&head, Framing::None, "POST /a HTTP/1.1\r\nhost: other\r\nContent-Length: 0\r\n\r\n");
    let length = "POST /a HTTP/1.1\r\nhost: other\r\nContent-Length: 1234567890123\r\n\r\n";
    check(&head, Framing::Length(1_234_567_890_123), length);
}

#[test]
fn targets_are_written_in_the_form_that_the_upstream_expects() {
    let check = |form, path: &str, expected: &str| {
        let mut head = request("OPTIONS", &[]);
        head.form = form;
        head.set_path(path.as_bytes());
        let mut out = Vec::new();
        encode_request(&head, Framing::None, &mut out);
        assert_eq!(text(out), format!("OPTIONS {expected} HTTP/1.1\r\nHost: shop\r\n\r\n"));
    };
    check(TargetForm::Absolute, "/x", "/x");
    check(TargetForm::Asterisk, "*", "*");
    check(TargetForm::Authority, "", "shop");
    check(TargetForm::Origin, "", "/");
}

#[test]
fn an_answer_is_written_for_the_version_of_the_client() {
    let check = |version, framing, keep_alive, expected: &str| {
        let head = response(200, &[("Server", "s"), ("Content-Length", "9"), ("Connection", "x")]);
        let mut out = Vec::new();
        encode_response(&head, version, framing, keep_alive, &mut out);
        assert_eq!(text(out), format!("HTTP/1.1 200 OK\r\nServer: s\r\n{expected}\r\n"));
    };
    use Version::{H10, H11};
    check(H11, Framing::Length(5), true, "Content-Length: 5\r\n");
    check(H11, Framing::Length(5), false, "Content-Length: 5\r\nConnection: close\r\n");
    check(H11, Framing::Chunked, true, "Transfer-Encoding: chunked\r\n");
    check(H11, Framing::Close, true, "Connection: close\r\n");
    check(H11, Framing::None, true, "Content-Length: 9\r\n");
    check(H10, Framing::Length(5), true, "Content-Length: 5\r\nConnection: keep-alive\r\n");
    check(H10, Framing::Length(5), false, "Content-Length: 5\r\nConnection: close\r\n");
    check(H10, Framing::Chunked, true, "Connection: close\r\n");
}

#[test]
fn bodiless_answers_declare_a_length_only_where_they_may() {
    let check = |status, framing, expected: &str| {
        let head = response(status, &[("Content-Length", "9"), ("Content-Length", "9")]);
        let mut out = Vec::new();
        encode_response(&head, Version::H11, framing, true, &mut out);
        let line = format!("HTTP/1.1 {status} {}\r\n", portunus_http::reason_phrase(status));
        assert_eq!(text(out), format!("{line}{expected}\r\n"));
    };
    check(304, Framing::None, "Content-Length: 9\r\n");
    check(200, Framing::None, "Content-Length: 9\r\n");
    check(200, Framing::Length(0), "Content-Length: 0\r\n");
    check(204, Framing::None, "");
    check(204, Framing::Length(0), "");
    check(100, Framing::None, "");
    check(103, Framing::None, "");
}

#[test]
fn upgrades_name_their_protocol() {
    let mut out = Vec::new();
    encode_upgrade_response(&response(101, &[("Upgrade", "old")]), b"websocket", &mut out);
    let expected =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(text(out), expected);
    let mut out = Vec::new();
    encode_upgrade_request(&request("GET", &[]), Framing::None, b"websocket", &mut out);
    let expected =
        "GET /a HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(text(out), expected);
}

#[test]
fn chunk_sizes_are_plain_hexadecimal() {
    for bytes in [1, 9, 10, 15, 16, 255, 4096, 0xabcdef, usize::MAX] {
        let mut out = Vec::new();
        encode_chunk_size(bytes, &mut out);
        assert_eq!(text(out), format!("{bytes:x}\r\n"));
    }
}

#[test]
fn trailers_end_the_body() {
    let mut trailers = HeaderList::default();
    let mut out = LAST_CHUNK.to_vec();
    encode_trailers(&trailers, &mut out);
    assert_eq!(out, b"0\r\n\r\n");
    trailers.append(b"X-Sum", b"1");
    let mut out = LAST_CHUNK.to_vec();
    encode_trailers(&trailers, &mut out);
    assert_eq!(out, b"0\r\nX-Sum: 1\r\n\r\n");
}
