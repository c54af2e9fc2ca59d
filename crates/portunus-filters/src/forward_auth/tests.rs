use super::*;
use crate::inquiry::tests::{answer, ask, failure, rig, settled};
use crate::tests::*;
use portunus_base::UpstreamId;
use portunus_spec::Node;

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
    ask(&mut rig, &*filter, &mut asked());
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
        assert_eq!(shown(&ask(&mut rig, &*filter, &mut asked())), "continue");
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
    assert_eq!(shown(&settled(&mut rig, &*filter, &mut exchange, verdict)), "continue");
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
        let verdict = ask(&mut rig, &*spec(vec![]), &mut asked());
        let Verdict::Reply(reply) = verdict else { panic!("{verdict:?}") };
        assert_eq!(shown_reply(&reply), format!("{status} auth.forward_denied no"));
        assert_eq!(reply.headers.len(), 5);
        assert_eq!(header(&reply, "location"), Some("/login"));
    }
}

#[test]
fn a_failure_closes_unless_told_otherwise() {
    let verdict = ask(&mut rig(failure()), &*spec(vec![]), &mut asked());
    assert_eq!(shown(&verdict), "503 auth.forward_failed problem");
    let open = spec(vec![("fail", Node::text("open")), ("copy_answer", list(&["X-User"]))]);
    let mut exchange = asked();
    assert_eq!(shown(&ask(&mut rig(failure()), &*open, &mut exchange)), "continue");
    assert_eq!(exchange.attributes.value("forward_auth"), Some(&b"failed_open"[..]));
    assert_eq!(exchange.request.headers.value(b"X-User"), None);
    let weird = ask(&mut rig(answer(101, &[], "")), &*spec(vec![]), &mut asked());
    assert_eq!(shown(&weird), "503 auth.forward_failed problem");
}

#[test]
fn names_may_begin_alike() {
    let filter = spec(vec![("copy_answer", list(&["X-User-*"]))]);
    let mut exchange = asked();
    for name in ["x-user-role", "X_User_Role", "x-user_group"] {
        exchange.request.headers.append(name.as_bytes(), b"root");
    }
    let headers =
        [("X-User-Name", "ann"), ("x-user-name", "b"), ("X-Userx", "no"), ("X-User", "no")];
    ask(&mut rig(answer(200, &headers, "")), &*filter, &mut exchange);
    let headers = &exchange.request.headers;
    assert_eq!(headers.value(b"x-user-name"), Some(&b"ann, b"[..]));
    assert!(!lines(headers).contains("root"), "{}", lines(headers));
    assert_eq!(headers.value(b"X-Userx"), None);
    assert_eq!(headers.value(b"X-User"), Some(&b"spoofed"[..]));
    let wide = mistakes(
        "forward_auth",
        Node::map([("to", Node::text("auth")), ("copy_answer", list(&["X*", "*"]))]),
    );
    assert_eq!(wide.matches("nearly every header").count(), 2, "{wide}");
}

#[test]
fn the_body_is_sent_on_when_asked_for() {
    let filter = spec(vec![("forward_body", Node::text("true"))]);
    assert_eq!(filter.interest().request_body, BodyNeed::Buffered(64 * 1024));
    let (mut rig, mut exchange) = (rig(answer(200, &[], "")), asked());
    assert_eq!(shown(&rig.request(&*filter, &mut exchange)), "continue");
    let verdict = rig.body(&*filter, &mut exchange, "body");
    assert_eq!(shown(&settled(&mut rig, &*filter, &mut exchange, verdict)), "continue");
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
    let key = Node::map([("ttl", Node::text("5s")), ("key", list(&["same"]))]);
    assert!(of(vec![to(), ("cache", key)]).contains("the same for all requests"));
    let names = of(vec![
        to(),
        ("copy_answer", list(&["a b", "Host"])),
        ("copy_request", list(&["Connection"])),
        ("timeout", Node::text("5s")),
    ]);
    assert_eq!(names.lines().count(), 3, "{names}");
}
