use crate::tests::*;
use portunus_exchange::{Exchange, Reason};
use portunus_filter::Verdict;
use portunus_spec::{Node, Value};

fn pages(upstream: bool) -> Node {
    let file = texts(&[("file", "404.html")]);
    let json = texts(&[("body", "{{\"s\":{status}}}"), ("content_type", "application/json")]);
    let pages = Node::map([("5xx", json), ("404", file), ("503", Node::text("<i>{path}</i>"))]);
    Node::map([("pages", pages), ("upstream", Value::Bool(upstream).into())])
}

/// An answer of our own, or of an upstream.
fn answered(status: u16, ours: bool) -> Exchange {
    let mut exchange = exchange("GET /<a>");
    exchange.response.set_status(status);
    exchange.response.headers.append(b"Content-Length", b"3");
    exchange.response.headers.append(b"Retry-After", b"5");
    exchange.attempts = 1;
    exchange.reason = ours.then_some(Reason("upstream.reset"));
    exchange
}

#[test]
fn pages_take_the_place_of_our_answers() {
    let filter = build("error_pages", pages(false)).unwrap();
    for (status, ours, expected) in [
        (404, true, "404 upstream.reset <style>p {}</style>"),
        (503, true, "503 upstream.reset <i>/&#60;a&#62;</i>"),
        (502, true, "502 upstream.reset {\"s\":502}"),
        (403, true, "continue"),
        (200, true, "continue"),
        (404, false, "continue"),
    ] {
        let verdict = Rig::new().response(&*filter, &mut answered(status, ours));
        assert_eq!(shown(&verdict), expected, "{status}");
    }
}

#[test]
fn answers_of_the_upstream_are_replaced_when_told_so() {
    let filter = build("error_pages", pages(true)).unwrap();
    let Verdict::Reply(reply) = Rig::new().response(&*filter, &mut answered(502, false)) else {
        panic!()
    };
    assert_eq!(shown_reply(&reply), "502 - {\"s\":502}");
    assert_eq!(header(&reply, "content-type"), Some("application/json"));
    assert_eq!(header(&reply, "retry-after"), Some("5"));
    assert_eq!(header(&reply, "content-length"), None);
}

#[test]
fn what_the_configuration_answers_is_ours_too() {
    let filter = build("error_pages", pages(false)).unwrap();
    let mut exchange = answered(404, false);
    exchange.attempts = 0;
    assert!(shown(&Rig::new().response(&*filter, &mut exchange)).starts_with("404 - <style>"));
}

#[test]
fn a_page_is_not_replaced_again() {
    let filter = build("error_pages", pages(true)).unwrap();
    let (mut exchange, mut rig) = (answered(502, true), Rig::new());
    assert!(shown(&rig.response(&*filter, &mut exchange)).starts_with("502 "));
    assert_eq!(shown(&rig.response(&*filter, &mut exchange)), "continue");
}

#[test]
fn mistakes_are_told() {
    let of = |pages: Node| mistakes("error_pages", Node::map([("pages", pages)]));
    assert!(of(Node::map::<&str>([])).contains("no page"));
    let all = of(Node::map([
        ("200", Node::text("x")),
        ("6xx", Node::text("x")),
        ("404", Node::map::<&str>([])),
        ("500", texts(&[("body", "x"), ("file", "404.html")])),
        ("501", texts(&[("file", "gone.html")])),
        ("502", Node::text("{nope}")),
    ]));
    assert_eq!(all.lines().count(), 6, "{all}");
    assert!(all.contains("cannot read gone.html"));
}
