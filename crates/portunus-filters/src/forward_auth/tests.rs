use super::*;
use crate::tests::*;
use portunus_base::UpstreamId;
use portunus_exchange::{ErrorKind, Retry};

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<CallAnswer, ProxyError> {
    let mut answer = CallAnswer { status, body: body.as_bytes().to_vec(), ..CallAnswer::default() };
    for (name, value) in headers {
        answer.headers.append(name.as_bytes(), value.as_bytes());
    }
    Ok(answer)
}

fn failure() -> Result<CallAnswer, ProxyError> {
    Err(ProxyError::upstream(ErrorKind::ConnectRefused, Retry::Unsent))
}

fn rig(answer: Result<CallAnswer, ProxyError>) -> Rig {
    let rig = Rig::new();
    rig.service.answers.borrow_mut().push(answer);
    rig
}

fn spec(entries: Vec<(&str, Node)>) -> Arc<dyn Filter> {
    let to = ("to", Node::text("http://auth.internal:9000/verify?app=shop"));
    build("forward_auth", Node::map([to].into_iter().chain(entries))).unwrap()
}

fn asked() -> Exchange {
    let mut exchange = exchange("POST /orders/7?x=1");
    for (name, value) in [
        ("authorization", "Bearer t"),
        ("X-User", "spoofed"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("Accept", "text/html"),
    ] {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange
}

#[test]
fn the_service_is_told_of_the_request() {
    let mut rig = rig(answer(200, &[], ""));
    let filter = spec(vec![]);
    resumed(rig.request(&*filter, &mut asked()));
    let calls = rig.service.calls.borrow();
    let call = calls.first().unwrap();
    assert_eq!((call.upstream, call.timeout), (UpstreamId(2), Duration::from_secs(5)));
    assert_eq!((call.head.method_text(), call.head.path()), (&b"GET"[..], &b"/verify"[..]));
    assert_eq!(call.head.query(), Some(&b"app=shop"[..]));
    assert_eq!(call.head.authority(), b"auth.internal:9000");
    assert_eq!(
        lines(&call.head.headers),
        "authorization: Bearer t; X-Forwarded-Port: 443; X-Forwarded-For: 192.0.2.7; \
         X-Forwarded-Method: POST; X-Forwarded-Uri: /orders/7?x=1; \
         X-Forwarded-Host: shop.example.com:8080; X-Forwarded-Proto: http"
    );
}

#[test]
fn an_upstream_is_asked_by_its_name() {
    for (to, path) in [("auth", "/"), ("auth/check", "/check")] {
        let filter = build("forward_auth", Node::text(to)).unwrap();
        let mut rig = rig(answer(204, &[], ""));
        assert!(matches!(resumed(rig.request(&*filter, &mut asked())), Resume::Continue(_)));
        let calls = rig.service.calls.borrow();
        assert_eq!((calls[0].upstream, calls[0].head.path()), (UpstreamId(1), path.as_bytes()));
        assert_eq!(calls[0].head.authority(), b"shop.example.com:8080");
    }
}

#[test]
fn identity_comes_from_the_service_alone() {
    let filter = spec(vec![
        ("copy_answer", list(&["X-User", "X-Groups"])),
        ("copy_to_client", list(&["Set-Cookie"])),
        ("copy_request", list(&["X-User", "Accept"])),
    ]);
    let headers = [
        ("x-user", "ann"),
        ("X-Groups", "a"),
        ("X-Groups", "b"),
        ("Set-Cookie", "s=1"),
        ("X-No", "1"),
    ];
    let (mut rig, mut exchange) = (rig(answer(200, &headers, "ignored")), asked());
    let verdict = rig.request(&*filter, &mut exchange);
    assert_eq!(exchange.request.headers.value(b"x-user"), None);
    assert!(!lines(&rig.service.calls.borrow()[0].head.headers).contains("spoofed"));
    let Resume::Continue(patch) = resumed(verdict) else { panic!() };
    patch.apply(&mut exchange);
    assert_eq!(exchange.request.headers.value(b"X-User"), Some(&b"ann"[..]));
    assert_eq!(exchange.request.headers.value(b"X-Groups"), Some(&b"a, b"[..]));
    assert_eq!(lines(&exchange.response_extra), "Set-Cookie: s=1");
}

#[test]
fn a_refusal_goes_to_the_client() {
    let headers = [
        ("Location", "/login"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("WWW-Authenticate", "Basic"),
        ("Content-Type", "text/plain"),
        ("X-Internal", "secret"),
    ];
    for status in [302, 401, 403, 500] {
        let mut rig = rig(answer(status, &headers, "no"));
        let resume = resumed(rig.request(&*spec(vec![]), &mut asked()));
        let Resume::Reply(_, reply) = resume else { panic!("{resume:?}") };
        assert_eq!(shown_reply(&reply), format!("{status} auth.forward_denied no"));
        assert_eq!(reply.headers.len(), 5);
        assert_eq!(header(&reply, "location"), Some("/login"));
    }
}

#[test]
fn a_failure_closes_unless_told_otherwise() {
    let mut closed = rig(failure());
    let Resume::Reply(_, reply) = resumed(closed.request(&*spec(vec![]), &mut asked())) else {
        panic!()
    };
    assert_eq!(shown_reply(&reply), "503 auth.forward_failed problem");
    let open = spec(vec![("fail", Node::text("open")), ("copy_answer", list(&["X-User"]))]);
    let mut exchange = asked();
    let Resume::Continue(patch) = resumed(rig(failure()).request(&*open, &mut exchange)) else {
        panic!()
    };
    patch.apply(&mut exchange);
    assert_eq!(exchange.attributes.value("forward_auth"), Some(&b"failed_open"[..]));
    assert_eq!(exchange.request.headers.value(b"X-User"), None);
    let weird = resumed(rig(answer(101, &[], "")).request(&*spec(vec![]), &mut asked()));
    assert!(matches!(weird, Resume::Reply(_, reply) if reply.status == 503));
}

#[test]
fn the_body_is_sent_on_when_asked_for() {
    let filter = spec(vec![("forward_body", Node::text("true"))]);
    assert_eq!(filter.interest().request_body, BodyNeed::Buffered(64 * 1024));
    let (mut rig, mut exchange) = (rig(answer(200, &[], "")), asked());
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    assert!(matches!(resumed(rig.body(&*filter, &mut exchange, "body")), Resume::Continue(_)));
    let calls = rig.service.calls.borrow();
    assert_eq!((calls[0].head.method_text(), &calls[0].body[..]), (&b"POST"[..], &b"body"[..]));
}

#[test]
fn mistakes_are_told() {
    let of = |entries: Vec<(&str, Node)>| mistakes("forward_auth", Node::map(entries));
    assert!(of(vec![]).contains("missing key `to`"));
    assert!(of(vec![("to", Node::text("nobody/x"))]).contains("no upstream `nobody`"));
    assert!(of(vec![("to", Node::text("auth/a b"))]).contains("is not a path"));
    let to = || ("to", Node::text("auth"));
    assert!(
        of(vec![to(), ("cache", Node::text("5s"))]).contains("not supported by this version yet")
    );
    let names = of(vec![
        to(),
        ("copy_answer", list(&["a b", "Host"])),
        ("copy_request", list(&["Connection"])),
        ("timeout", Node::text("5s")),
    ]);
    assert_eq!(names.lines().count(), 3, "{names}");
}
