use crate::tests::*;
use portunus_filter::Verdict;
use portunus_spec::Node;

fn reply(node: Node, line: &str) -> Box<portunus_exchange::Reply> {
    let filter = build("respond", node).unwrap();
    match Rig::new().request(&*filter, &mut exchange(line)) {
        Verdict::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_short_form_is_the_text() {
    let reply = reply(Node::text("hello {id}"), "GET /orders/7");
    assert_eq!(shown_reply(&reply), "200 - hello 7");
    assert_eq!(header(&reply, "content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn status_and_headers_can_be_chosen() {
    let headers = texts(&[("Retry-After", "60"), ("X-Path", "{path}")]);
    let reply = reply(Node::map([("status", Node::text("503")), ("headers", headers)]), "GET /a");
    assert_eq!(shown_reply(&reply), "503 - -");
    assert_eq!(header(&reply, "x-path"), Some("/a"));
    assert_eq!(header(&reply, "content-type"), None);
}

#[test]
fn values_are_escaped_for_the_media_type() {
    let body = "<p>{path}</p>";
    let html = reply(texts(&[("body", body), ("content_type", "text/html")]), "GET /<b>");
    assert_eq!(shown_reply(&html), "200 - <p>/&#60;b&#62;</p>");
    let json = texts(&[("body", "{{\"p\":\"{path}\"}}"), ("content_type", "application/json")]);
    assert_eq!(shown_reply(&reply(json, "GET /\"")), "200 - {\"p\":\"/\\u0022\"}");
}

#[test]
fn mistakes_are_told() {
    let of = |entries: &[(&str, &str)]| mistakes("respond", texts(entries));
    assert!(of(&[("status", "199")]).contains("199 is not a final status"));
    assert!(of(&[("status", "204"), ("body", "x")]).contains("has no body"));
    assert!(of(&[("content_type", "a\nb")]).contains("control characters"));
    assert!(of(&[("body", "{nope}")]).contains("unknown variable"));
    let (filter, found) = build_with_warnings("respond", Node::text("404"));
    assert!(filter.is_some() && found.len() == 1, "{found:?}");
    assert!(found[0].help.as_deref().unwrap().contains("{status: 404}"));
}
