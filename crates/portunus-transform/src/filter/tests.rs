use portunus_exchange::{PhaseSet, Reason};
use portunus_filter::BodyNeed;
use portunus_filter::testing::Rig;
use serde_json::json;

use super::*;
use crate::tests::{answered, build, changed_answer, mistakes, request, value};

#[test]
fn it_asks_for_no_more_than_it_needs() {
    let need = |spec| {
        let interest = build(&spec).interest();
        let phases: Vec<_> =
            Phase::ALL.into_iter().filter(|phase| interest.phases.has(*phase)).collect();
        (phases, interest.request_body, interest.response_body)
    };
    let none = BodyNeed::None;
    assert_eq!(need(json!({"request": {"method": "PUT"}})), (vec![Phase::Request], none, none));
    assert_eq!(need(json!({"response": {"status": 201}})), (vec![Phase::Response], none, none));
    let json = json!([{"remove": "/a"}]);
    assert_eq!(
        need(json!({"request": {"json": json, "body_max": "1KiB"}})),
        (vec![Phase::Request], BodyNeed::Buffered(1024), none)
    );
    assert_eq!(
        need(json!({"response": {"json": json}})),
        (vec![Phase::Request, Phase::Response], none, BodyNeed::Buffered(1 << 20))
    );
    assert_ne!(build(&json!({"request": {"json": json}})).interest().phases, PhaseSet::NONE);
}

#[test]
fn the_method_is_another_but_for_head() {
    let filter = build(&json!({"request": {"method": "PUT"}}));
    for (before, after) in [("POST", "PUT"), ("HEAD", "HEAD")] {
        let mut exchange = request("text/plain");
        exchange.request.set_method(before.as_bytes());
        Rig::new().request(&*filter, &mut exchange);
        assert_eq!(exchange.request.method_text(), after.as_bytes());
    }
}

#[test]
fn answers_are_asked_for_whole_and_plain() {
    let filter = build(&json!({"response": {"json": [{"remove": "/a"}]}}));
    let mut exchange = request("text/plain");
    for name in ["Accept-Encoding", "Range", "If-Range", "If-None-Match"] {
        exchange.request.headers.append(name.as_bytes(), b"x");
    }
    Rig::new().request(&*filter, &mut exchange);
    assert_eq!(exchange.request.headers.len(), 3, "host, content type, if-none-match");
}

#[test]
fn an_answer_is_changed_with_all_that_goes_with_it() {
    let spec = json!({"response": {"status": 201, "json": [{"remove": "/secret"}]}});
    let mut exchange = answered(200, "application/json");
    exchange.response.headers.append(b"ETag", b"\"x\"");
    exchange.response.headers.append(b"Accept-Ranges", b"bytes");
    assert_eq!(changed_answer(&*build(&spec), &mut exchange, br#"{"secret":1}"#), "{}");
    assert_eq!(exchange.response.status, 201);
    assert_eq!(value(&exchange.response.headers, "etag"), Some("W/\"x\""));
    assert_eq!(value(&exchange.response.headers, "accept-ranges"), None);
}

#[test]
fn only_answers_that_are_meant_are_changed() {
    let json = json!([{"set": {"/a": 1}}]);
    let usual = json!({"response": {"json": json}});
    let errors = json!({"response": {"json": json, "when": ["4xx", "500"]}});
    for (spec, status, is_meant) in [
        (&usual, 200, true),
        (&usual, 299, true),
        (&usual, 404, false),
        (&usual, 206, false),
        (&errors, 404, true),
        (&errors, 500, true),
        (&errors, 200, false),
        (&errors, 503, false),
    ] {
        let outcome =
            changed_answer(&*build(spec), &mut answered(status, "application/json"), b"{}");
        assert_eq!(outcome == r#"{"a":1}"#, is_meant, "{status}: {outcome}");
    }
    let mut own = answered(200, "application/json");
    own.reason = Some(Reason("auth.missing"));
    assert_eq!(changed_answer(&*build(&usual), &mut own, b"{}"), "{}");
    let mut respond = answered(200, "application/json");
    respond.timings.first_byte = portunus_base::Mono(0);
    assert_eq!(changed_answer(&*build(&usual), &mut respond, b"{}"), "{}");
}

#[test]
fn the_status_before_all_changes_decides() {
    let first = build(&json!({"response": {"status": 201, "json": [{"set": {"/a": 1}}]}}));
    let mut rig = Rig::new();
    let mut exchange = answered(200, "application/json");
    rig.response(&*first, &mut exchange);
    exchange.response.set_status(404);
    let mut body = b"{}".to_vec();
    rig.piece(&*first, &mut exchange, false, &mut body, true);
    assert_eq!(body, br#"{"a":1}"#);
}

#[test]
fn an_upstream_s_fault_is_no_client_s() {
    let spec = json!({"response": {"json": [{"remove": "/a"}]}});
    let mut exchange = answered(200, "application/json");
    let outcome = changed_answer(&*build(&spec), &mut exchange, b"<html>");
    assert_eq!(outcome, "502 transform.answer_invalid problem");
    let spec = json!({"response": {"body": "{{ 1 / 0 }}"}});
    let outcome = changed_answer(&*build(&spec), &mut answered(200, "a/b"), b"");
    assert_eq!(outcome, "500 transform.template_failed problem");
}

#[test]
fn an_answer_without_a_body_has_no_length_of_another() {
    let spec = json!({"response": {"json": [{"remove": "/a"}]}});
    let mut exchange = answered(200, "application/json");
    exchange.request.set_method(b"HEAD");
    exchange.response.headers.append(b"Content-Length", b"17");
    Rig::new().response(&*build(&spec), &mut exchange);
    assert_eq!(value(&exchange.response.headers, "content-length"), None);
}

#[test]
fn explain_is_told_why_a_body_goes_on_as_it_is() {
    let filter = build(&json!({"request": {"json": [{"remove": "/a"}]}}));
    let mut rig = Rig::new();
    let mut body = b"<p>".to_vec();
    rig.piece(&*filter, &mut request("text/html"), true, &mut body, true);
    assert_eq!(rig.notes, ["the body goes on as it is: its media type is text/html"]);
}

#[test]
fn mistakes_are_told() {
    for (spec, told) in [
        (json!({}), "nothing to do"),
        (json!({"request": {"content_type": ["a/b"]}}), "nothing to do"),
        (json!({"request": {"method": "G T"}}), "no method"),
        (json!({"request": {"method": "HEAD"}}), "another form"),
        (json!({"response": {"status": 204}}), "has no body"),
        (json!({"response": {"status": 99}}), "200 to 599"),
        (json!({"response": {"status": 200, "when": ["2x", "6xx"]}}), "`2xx`"),
        (json!({"response": {"method": "PUT"}}), "unknown key `method`"),
    ] {
        assert!(mistakes(&spec).contains(told), "{spec}: {}", mistakes(&spec));
    }
}
