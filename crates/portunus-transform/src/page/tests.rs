use std::sync::Arc;

use portunus_identity::Identity;
use serde_json::json;

use crate::tests::{answered, build, changed, changed_answer, mistakes, request, value};

fn made(template: &str, body: &str) -> String {
    let filter = build(&json!({"request": {"body": template}}));
    changed(&*filter, &mut request("application/json"), body.as_bytes())
}

#[test]
fn a_template_sees_the_body_and_the_request() {
    let body = r#"{"user":{"name":"Ann \"x\"","tags":["a","b"]},"n":12345678901234567890}"#;
    assert_eq!(
        made(r#"{"name": {{ body.user.name }}, "n": {{ body.n }}}"#, body),
        r#"{"name": "Ann \"x\"", "n": 12345678901234567890}"#
    );
    let list = "[{% for t in body.user.tags %}{{ t|upper }}{% if not loop.last %},{% endif %}{% endfor %}]";
    assert_eq!(made(list, body), r#"["A","B"]"#);
    assert_eq!(
        made(
            r#"[{{ request.method }},{{ request.path }},{{ query.b }},{{ query.a }},{{ params.id }},{{ request.headers.host }},{{ client.ip }}]"#,
            body
        ),
        r#"["POST","/orders/7","x y","1","7","shop.example.com:8080","192.0.2.7"]"#
    );
    assert_eq!(made("{{ body.a.b.c }}", "{}"), "null");
    assert_eq!(made("{{ identity }}", "{}"), "null");
}

#[test]
fn it_knows_who_asks() {
    let filter = build(
        &json!({"request": {"body": "[{{ identity.name }},{{ identity.claims.org.id }},{{ identity.consumer }}]"}}),
    );
    let mut exchange = request("application/json");
    let claims = json!({"org": {"id": 7}}).as_object().cloned().unwrap();
    let identity = Identity { method: "jwt", subject: "ann".into(), claims, ..Identity::default() };
    exchange.identity = Some(Arc::new(identity));
    assert_eq!(changed(&*filter, &mut exchange, b"{}"), "[\"ann\",7,null]");
}

#[test]
fn what_it_makes_is_escaped_for_its_type() {
    let spec = json!({"request": {"body": {"template": "<a b=\"{{ body.x }}\">{{ body.x }}</a>\n", "type": "application/xml"}}});
    let mut exchange = request("application/json");
    let page = changed(&*build(&spec), &mut exchange, br#"{"x":"<&\">"}"#);
    assert_eq!(page, "<a b=\"&lt;&amp;&quot;&gt;\">&lt;&amp;&quot;&gt;</a>");
    assert_eq!(value(&exchange.request.headers, "Content-Type"), Some("application/xml"));
}

#[test]
fn forms_texts_and_nothing_are_bodies_too() {
    let filter = build(&json!({"request": {"body": "{{ body }}"}}));
    assert_eq!(
        changed(&*filter, &mut request("application/x-www-form-urlencoded"), b"a=1"),
        r#"{"a":"1"}"#
    );
    assert_eq!(changed(&*filter, &mut request("text/plain"), b"a\"\xff"), "\"a\\\"\u{fffd}\"");
    assert_eq!(changed(&*filter, &mut request("text/plain"), b""), "null");
    assert_eq!(
        changed(&*filter, &mut request("application/json"), b"{"),
        "400 transform.body_invalid problem"
    );
    assert_eq!(
        changed(&*filter, &mut request("application/json"), "[".repeat(1000).as_bytes()),
        "400 transform.body_invalid problem"
    );
}

#[test]
fn operations_come_before_the_template() {
    let spec = json!({"request": {"json": [{"set": {"/a": 1}}], "body": "{{ body }}"}});
    assert_eq!(changed(&*build(&spec), &mut request("application/json"), b"{}"), r#"{"a":1}"#);
}

#[test]
fn an_answer_is_there_for_answers() {
    let spec = json!({"response": {"body": "[{{ response.status }},{{ response.headers['content-type'] }},{{ request.path }}]"}});
    let mut exchange = answered(201, "text/html");
    assert_eq!(
        changed_answer(&*build(&spec), &mut exchange, b"<p>"),
        r#"[201,"text/html","/orders/7"]"#
    );
}

#[test]
fn it_has_so_much_fuel_and_so_much_room() {
    let endless =
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}1";
    assert_eq!(made(endless, "{}"), "500 transform.template_failed problem");
    let large = "[{% for a in range(2000) %}{{ body.x }},{% endfor %}1]";
    let body = json!({"x": "y".repeat(1000)}).to_string();
    assert_eq!(made(large, &body), "413 transform.body_too_large problem");
    assert_eq!(made("{{ 'x' * 200000000 }}", "{}"), "500 transform.template_failed problem");
}

#[test]
fn what_fails_or_makes_no_json_is_our_fault() {
    for template in
        ["{{ body.x + 1 }}", "{{ body.x|nothing }}", "{\"a\": {{ body.x }},}", "{{ body.x"]
    {
        let filter = std::panic::catch_unwind(|| made(template, "{\"x\":\"secret\"}"));
        if let Ok(outcome) = filter {
            assert_eq!(outcome, "500 transform.template_failed problem", "{template}");
        }
    }
}

#[test]
fn mistakes_are_told_when_it_is_built() {
    let of = |body| mistakes(&json!({"request": {"body": body}}));
    assert!(of(json!("{{ body.x")).contains("the template cannot be read, in its line 1"));
    let unknown = of(json!("{{ boddy.x }}{{ response.status }}"));
    assert!(unknown.contains("asks for `boddy`") && unknown.contains("`body`"), "{unknown}");
    assert!(unknown.contains("asks for `response`"), "{unknown}");
    assert!(of(json!({"template": "x", "type": "a\nb"})).contains("no media type"));
}
