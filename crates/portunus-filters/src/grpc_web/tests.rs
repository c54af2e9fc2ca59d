use super::*;
use crate::tests::*;
use portunus_spec::Node;
use proptest::prelude::{any, prop, prop_assert_eq, proptest};

fn filter() -> Arc<dyn Filter> {
    build("grpc_web", Node::default()).unwrap()
}

/// An exchange whose request came with this type, and went through the filter.
fn asked(content_type: &str) -> Exchange {
    let mut exchange = exchange("POST /shop.Orders/Place");
    exchange.request.headers.append(b"Content-Type", content_type.as_bytes());
    exchange.request.headers.append(b"X-Grpc-Web", b"1");
    assert_eq!(shown(&Rig::new().request(&*filter(), &mut exchange)), "continue");
    exchange
}

fn answered(exchange: &mut Exchange, content_type: &str) -> String {
    exchange.response.headers.append(b"Content-Type", content_type.as_bytes());
    assert_eq!(shown(&Rig::new().response(&*filter(), exchange)), "continue");
    text(exchange.response.headers.value(b"content-type"))
}

fn text(value: Option<&[u8]>) -> String {
    String::from_utf8_lossy(value.unwrap_or(b"-")).into_owned()
}

fn piece(exchange: &mut Exchange, way_in: bool, bytes: &[u8], end: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let verdict = Rig::new().piece(&*filter(), exchange, way_in, &mut bytes, end);
    assert_eq!(shown(&verdict), "continue");
    bytes
}

#[test]
fn requests_become_grpc() {
    for (web, grpc) in [
        ("application/grpc-web", "application/grpc"),
        ("application/grpc-web+proto", "application/grpc+proto"),
        ("application/grpc-web-text", "application/grpc"),
        ("Application/gRPC-Web-Text+proto", "application/grpc+proto"),
    ] {
        let exchange = asked(web);
        let headers = &exchange.request.headers;
        assert_eq!(text(headers.value(b"content-type")), grpc);
        assert_eq!(text(headers.value(b"te")), "trailers");
        assert_eq!(headers.value(b"x-grpc-web"), None);
    }
}

#[test]
fn others_are_left_alone() {
    for other in ["application/grpc", "application/json", "application/grpc-webs"] {
        let mut exchange = asked(other);
        assert_eq!(text(exchange.request.headers.value(b"content-type")), other);
        assert_eq!(answered(&mut exchange, "application/grpc"), "application/grpc");
        assert_eq!(piece(&mut exchange, true, b"AAA", true), b"AAA");
        assert_eq!(piece(&mut exchange, false, b"AAA", true), b"AAA");
    }
}

#[test]
fn trailers_become_the_last_message() {
    let mut exchange = asked("application/grpc-web+proto");
    assert_eq!(answered(&mut exchange, "application/grpc+proto"), "application/grpc-web+proto");
    assert_eq!(piece(&mut exchange, false, b"\0\0\0\0\x01x", false), b"\0\0\0\0\x01x");
    exchange.response_trailers.append(b"Grpc-Status", b"0");
    let last = piece(&mut exchange, false, b"", true);
    assert_eq!(last, b"\x80\0\0\0\x10grpc-status: 0\r\n");
    assert!(exchange.response_trailers.is_empty());
}

#[test]
fn an_answer_without_grpc_is_left_alone() {
    let mut exchange = asked("application/grpc-web");
    assert_eq!(answered(&mut exchange, "text/html"), "text/html");
    assert_eq!(piece(&mut exchange, false, b"<p>", true), b"<p>");
}

#[test]
fn text_is_decoded_and_encoded() {
    let mut exchange = asked("application/grpc-web-text");
    assert_eq!(answered(&mut exchange, "application/grpc"), "application/grpc-web-text");
    assert_eq!(piece(&mut exchange, false, b"abc", false), b"YWJj");
    assert_eq!(piece(&mut exchange, false, b"", false), b"");
    exchange.response_trailers.append(b"grpc-status", b"5");
    let last = piece(&mut exchange, false, b"", true);
    assert_eq!(STANDARD.decode(last).unwrap(), b"\x80\0\0\0\x10grpc-status: 5\r\n");
}

#[test]
fn broken_text_is_refused() {
    let mut exchange = asked("application/grpc-web-text");
    let mut bytes = b"!!!!".to_vec();
    let verdict = Rig::new().piece(&*filter(), &mut exchange, true, &mut bytes, true);
    assert!(matches!(verdict, Verdict::Fail(error) if error.kind == BROKEN));
}

proptest! {
    #[test]
    fn text_in_any_pieces_is_what_was_meant(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
        cuts in prop::collection::vec(1usize..9, 0..40),
    ) {
        // Each message may be padded by itself.
        let sent: String = messages.iter().map(|message| STANDARD.encode(message)).collect();
        let mut exchange = asked("application/grpc-web-text");
        let (mut left, mut got) = (sent.as_bytes(), Vec::new());
        for cut in cuts {
            let (now, rest) = left.split_at(cut.min(left.len()));
            got.extend(piece(&mut exchange, true, now, false));
            left = rest;
        }
        got.extend(piece(&mut exchange, true, left, true));
        prop_assert_eq!(got, messages.concat());
    }
}
