use serde_json::json;

use crate::tests::{build, mistakes, request};
use portunus_filter::testing::Rig;

fn query(edits: serde_json::Value) -> Option<String> {
    let filter = build(&json!({"request": {"query": edits}}));
    let mut exchange = request("text/plain");
    Rig::new().request(&*filter, &mut exchange);
    exchange.request.query().map(|query| String::from_utf8(query.to_vec()).unwrap())
}

#[test]
fn edits_leave_what_they_do_not_name() {
    assert_eq!(query(json!({"remove": "a"})).as_deref(), Some("b=x%20y"));
    assert_eq!(query(json!({"remove": ["a", "b"]})), None);
    assert_eq!(query(json!({"set": {"a": "{id}&c"}})).as_deref(), Some("b=x%20y&a=7%26c"));
    assert_eq!(
        query(json!({"add": {"a": ["3", "{header.x}"]}, "remove": "nobody"})).as_deref(),
        Some("a=1&b=x%20y&a=2&a=3&a=")
    );
}

#[test]
fn names_are_compared_without_their_encoding() {
    let filter = build(&json!({"request": {"query": {"set": {"a b": "1"}}}}));
    let mut exchange = request("text/plain");
    exchange.request.set_query(Some(b"a%20b=2&a+b=3&%61=4&x"));
    Rig::new().request(&*filter, &mut exchange);
    assert_eq!(exchange.request.query(), Some(&b"%61=4&x=&a+b=1"[..]));
}

#[test]
fn unknown_variables_are_mistakes() {
    let all = mistakes(&json!({"request": {"query": {"set": {"a": "{x}"}, "add": {"b": "{y}"}}}}));
    assert_eq!(all.lines().count(), 2, "{all}");
}
