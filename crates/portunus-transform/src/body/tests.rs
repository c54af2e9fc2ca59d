use serde_json::json;

use crate::tests::{build, changed, mistakes, request, value};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_form_becomes_json_and_json_a_form() {
    let filter =
        build(&json!({"request": {"form_to_json": true, "json": [{"set": {"/by": "us"}}]}}));
    let mut exchange = request(FORM);
    assert_eq!(changed(&*filter, &mut exchange, b"a=1"), r#"{"a":"1","by":"us"}"#);
    assert_eq!(value(&exchange.request.headers, "Content-Type"), Some("application/json"));
    assert_eq!(changed(&*filter, &mut request("application/json"), b"{}"), r#"{"by":"us"}"#);
    let filter = build(&json!({"request": {"json_to_form": true, "json": [{"remove": "/x"}]}}));
    let mut exchange = request("application/json");
    assert_eq!(changed(&*filter, &mut exchange, br#"{"a":[1,"b c"],"x":{}}"#), "a=1&a=b+c");
    assert_eq!(value(&exchange.request.headers, "Content-Type"), Some(FORM));
    let nested = changed(&*filter, &mut request("application/json"), br#"{"a":{}}"#);
    assert_eq!(nested, "400 transform.body_invalid problem");
}

#[test]
fn what_is_not_meant_goes_on_as_it_is() {
    let filter = build(&json!({"request": {"json": [{"set": {"/a": 1}}]}}));
    for (content_type, body) in [("text/html", "{}"), ("application/json", ""), (FORM, "a=1")] {
        assert_eq!(changed(&*filter, &mut request(content_type), body.as_bytes()), body);
    }
    let mut exchange = request("application/json");
    exchange.request.headers.append(b"Content-Encoding", b"gzip");
    assert_eq!(changed(&*filter, &mut exchange, b"{}"), "{}");
}

#[test]
fn what_is_not_what_it_says_is_refused_or_passed() {
    let spec =
        |on_invalid| json!({"request": {"json": [{"remove": "/a"}], "on_invalid": on_invalid}});
    let utf16 = "application/json; charset=utf-16";
    for (content_type, body, passes) in [
        ("application/json", "{\"a\":1,\"a\":2}", false),
        ("application/json", "not json", true),
        (utf16, "{}", false),
    ] {
        let refused =
            changed(&*build(&spec("reject")), &mut request(content_type), body.as_bytes());
        assert_eq!(refused, "400 transform.body_invalid problem");
        let passed = changed(&*build(&spec("pass")), &mut request(content_type), body.as_bytes());
        assert_eq!(passed, if passes { body } else { refused.as_str() });
    }
}

#[test]
fn old_digests_do_not_go_with_the_new_body() {
    let filter = build(&json!({"request": {"json": [{"set": {"/a": 1}}]}}));
    let mut exchange = request("application/json");
    for name in ["Content-Digest", "repr-digest", "Digest", "Content-MD5", "X-Kept"] {
        exchange.request.headers.append(name.as_bytes(), b"x");
    }
    changed(&*filter, &mut exchange, b"{}");
    assert_eq!(exchange.request.headers.len(), 3, "host, content type, and what is kept");
}

#[test]
fn mistakes_are_told() {
    let of = |request| mistakes(&json!({"request": request}));
    assert!(
        of(json!({"json_to_form": true, "form_to_json": true}))
            .contains("does not go with `form_to_json`")
    );
    assert!(of(json!({"json_to_form": true, "body": "1"})).contains("does not go with `body`"));
    assert!(
        of(json!({"json": [{"remove": "/a"}], "content_type": ["json"]})).contains("no media type")
    );
    assert!(of(json!({"json": [{"remove": "/a"}], "body_max": "1GiB"})).contains("up to 64MiB"));
    assert!(
        of(json!({"json": [{"remove": "/a"}], "on_invalid": "ignore"})).contains("reject, pass")
    );
}
