use std::rc::Rc;

use portunus_base::{ClientCertificate, TlsFacts, UpstreamId, Wall};
use portunus_filter::{Filter, Verdict};
use portunus_spec::Node;

use super::*;
use crate::inquiry::tests::{ask, rig};
use crate::tests::*;

fn filter(entries: Vec<(&str, Node)>) -> std::sync::Arc<dyn Filter> {
    let fixed = [("to", Node::text("auth")), ("grpc", Node::text("true"))];
    build("forward_auth", Node::map(fixed.into_iter().chain(entries))).unwrap()
}

fn asked() -> Exchange {
    let mut exchange = exchange("POST /orders/7?x=1");
    for (name, value) in [
        ("Authorization", "Bearer t"),
        ("X-Role", "root"),
        ("X-List", "a"),
        ("x-list", "b"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
        ("Content-Length", "5"),
    ] {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange.timings.wall = Wall(1_800_000_000_250_000);
    exchange.client.port = 4711;
    let certificate =
        ClientCertificate { uris: ["spiffe://a/b".into()].into(), ..ClientCertificate::default() };
    let facts = TlsFacts {
        server_name: Some("shop.example.com".into()),
        client: Some(certificate),
        ..TlsFacts::default()
    };
    exchange.tls = Some(Rc::new(facts));
    exchange
}

/// The bytes at a path of fields; each step takes the first field of that number.
fn at<'m>(message: &'m [u8], path: &[u32]) -> Value<'m> {
    let (first, rest) = path.split_first().unwrap();
    let found = fields(message).unwrap().into_iter().find(|(field, _)| field == first);
    let value = found.map_or(Value::Other, |(_, value)| value);
    if rest.is_empty() { value } else { at(value.bytes(), rest) }
}

fn text(message: &[u8], path: &[u32]) -> String {
    String::from_utf8(at(message, path).bytes().to_vec()).unwrap()
}

/// `CheckResponse` as the answer of a call.
fn response(code: u64, write: impl FnOnce(&mut Writer)) -> CallAnswer {
    let mut message = Writer::default();
    message.message(1, |status| status.number(1, code));
    write(&mut message);
    let body = framed(&message.into_bytes()).to_vec();
    let mut answer = CallAnswer { status: 200, body, ..CallAnswer::default() };
    answer.trailers.append(b"grpc-status", b"0");
    answer
}

fn header_option(name: &str, value: &str, append: bool, field: u32, to: &mut Writer) {
    to.message(field, |option| {
        option.message(1, |header| {
            header.text(1, name.as_bytes());
            header.text(2, value.as_bytes());
        });
        if append {
            option.message(2, |it| it.number(1, 1));
        }
    });
}

#[test]
fn the_service_is_told_in_envoy_s_words() {
    let mut rig = rig(Ok(response(0, |_| {})));
    assert_eq!(shown(&ask(&mut rig, &*filter(vec![]), &mut asked())), "continue");
    let calls = rig.service.calls.borrow();
    let call = calls.first().unwrap();
    assert_eq!((call.upstream, call.head.method_text()), (UpstreamId(1), &b"POST"[..]));
    assert_eq!(call.head.path(), METHOD);
    assert_eq!(lines(&call.head.headers), "Content-Type: application/grpc; TE: trailers");
    let message = unframed(&call.body).unwrap();
    for (path, wanted) in [
        (&[1, 1, 1, 1, 2][..], "192.0.2.7"),
        (&[1, 1, 4], "spiffe://a/b"),
        (&[1, 2, 1, 1, 2], "0.0.0.0"),
        (&[1, 4, 2, 2], "POST"),
        (&[1, 4, 2, 4], "/orders/7?x=1"),
        (&[1, 4, 2, 5], "shop.example.com:8080"),
        (&[1, 4, 2, 6], "http"),
        (&[1, 4, 2, 10], "HTTP/1.1"),
        (&[1, 12, 1], "shop.example.com"),
    ] {
        assert_eq!(text(message, path), wanted, "{path:?}");
    }
    assert_eq!(at(message, &[1, 1, 1, 1, 3]).number(), 4711);
    assert_eq!(at(message, &[1, 4, 1, 1]).number(), 1_800_000_000);
    assert_eq!(at(message, &[1, 4, 1, 2]).number(), 250_000_000);
    assert_eq!(at(message, &[1, 4, 2, 9]).number(), 5);
    let http = at(message, &[1, 4, 2]).bytes();
    let headers = fields(http).unwrap().into_iter().filter(|(field, _)| *field == 3);
    let headers: Vec<String> = headers
        .map(|(_, entry)| format!("{}={}", text(entry.bytes(), &[1]), text(entry.bytes(), &[2])))
        .collect();
    assert_eq!(
        headers,
        [
            "host=shop.example.com:8080",
            "authorization=Bearer t",
            "x-role=root",
            "x-list=a,b",
            "cookie=a=1; b=2",
            "content-length=5"
        ]
    );
}

#[test]
fn the_body_and_fewer_headers_are_told_on_request() {
    let node = vec![("forward_body", Node::text("true")), ("copy_request", list(&["X-Role"]))];
    let (filter, mut rig) = (filter(node), rig(Ok(response(0, |_| {}))));
    let mut exchange = asked();
    rig.request(&*filter, &mut exchange);
    assert!(matches!(rig.body(&*filter, &mut exchange, "hello"), Verdict::Suspend(_)));
    let calls = rig.service.calls.borrow();
    let message = unframed(&calls[0].body).unwrap();
    assert_eq!(text(message, &[1, 4, 2, 11]), "hello");
    assert_eq!(text(message, &[1, 4, 2, 3, 1]), "x-role");
}

#[test]
fn an_allowed_request_gets_what_the_service_says() {
    let allowed = response(0, |message| {
        message.message(3, |ok| {
            header_option("x-user", "ann", false, 2, ok);
            header_option("x-list", "c", true, 2, ok);
            for reserved in ["content-length", "host", "transfer-encoding", ":path", "a b", "te"] {
                header_option(reserved, "9", false, 2, ok);
            }
            header_option("x-bad", "a\r\nb", false, 2, ok);
            ok.text(5, b"authorization");
            ok.text(5, b"host");
            header_option("x-seen", "1", false, 6, ok);
            header_option("connection", "close", false, 6, ok);
        });
    });
    let filter = filter(vec![("copy_answer", list(&["X-Role"]))]);
    let mut exchange = asked();
    assert_eq!(shown(&ask(&mut rig(Ok(allowed)), &*filter, &mut exchange)), "continue");
    assert_eq!(
        lines(&exchange.request.headers),
        "Host: shop.example.com:8080; X-List: a; x-list: b; Cookie: a=1; Cookie: b=2; \
         Content-Length: 5; x-user: ann; x-list: c"
    );
    assert_eq!(lines(&exchange.response_extra), "x-seen: 1");
}

#[test]
fn a_refusal_is_the_one_of_the_service() {
    let denied = response(7, |message| {
        message.message(2, |denied| {
            denied.message(1, |status| status.number(1, 401));
            header_option("WWW-Authenticate", "Bearer", false, 2, denied);
            header_option("Content-Length", "3", false, 2, denied);
            denied.text(3, b"who are you?");
        });
    });
    let verdict = ask(&mut rig(Ok(denied)), &*filter(vec![]), &mut asked());
    assert_eq!(shown(&verdict), "401 auth.forward_denied who are you?");
    let Verdict::Reply(reply) = verdict else { panic!() };
    assert_eq!((reply.headers.len(), header(&reply, "www-authenticate")), (1, Some("Bearer")));
    let bare = ask(&mut rig(Ok(response(7, |_| {}))), &*filter(vec![]), &mut asked());
    assert_eq!(shown(&bare), "403 auth.forward_denied problem");
}

#[test]
fn an_answer_holds_for_a_later_request_of_another_connection() {
    let filter = filter(vec![("cache", Node::text("1m"))]);
    let mut rig = rig(Ok(response(0, |_| {})));
    for (port, id) in [(4711, "one"), (4712, "two")] {
        let mut exchange = asked();
        exchange.client.port = port;
        exchange.timings.wall = Wall(1_800_000_000_000_000 + u64::from(port));
        exchange.attributes.set("request_id", id.as_bytes());
        exchange.request.headers.append_id(HeaderId::XRequestId, id.as_bytes());
        assert_eq!(shown(&ask(&mut rig, &*filter, &mut exchange)), "continue");
    }
    assert_eq!(rig.service.calls.borrow().len(), 1);
    rig.service.answers.borrow_mut().push(Ok(response(0, |_| {})));
    let mut other = asked();
    other.request.headers.set(b"Authorization", b"Bearer other");
    ask(&mut rig, &*filter, &mut other);
    assert_eq!(rig.service.calls.borrow().len(), 2);
}

#[test]
fn what_is_no_answer_closes_the_way() {
    let mut refused = response(0, |_| {});
    refused.trailers.set(b"grpc-status", b"14");
    let mut refused_at_once = response(0, |_| {});
    refused_at_once.trailers.clear();
    refused_at_once.headers.append(b"grpc-status", b"14");
    let mut without_status = response(0, |_| {});
    without_status.trailers.clear();
    let mut cut = response(0, |_| {});
    cut.body.pop();
    let mut compressed = response(0, |_| {});
    compressed.body[0] = 1;
    let mut broken = response(0, |_| {});
    broken.body = framed(b"\x12\x05abc").to_vec();
    let empty = CallAnswer { status: 200, ..CallAnswer::default() };
    let other = CallAnswer { status: 503, ..response(0, |_| {}) };
    for answer in [refused, refused_at_once, without_status, cut, compressed, broken, empty, other]
    {
        let verdict = ask(&mut rig(Ok(answer)), &*filter(vec![]), &mut asked());
        assert_eq!(shown(&verdict), "503 auth.forward_failed problem");
    }
}
