use super::*;
use crate::tests::{Process, mistakes};

fn plan(health: &str) -> HealthPlan {
    let config = format!(
        "hosts: {{'*': {{routes: {{/: up}}}}}}\nupstreams: {{up: {{endpoints: http://10.0.0.1, health: {health}}}}}"
    );
    let compiled = Process::new().load(&config, None);
    compiled.upstreams[0].health.clone().unwrap()
}

fn body(text: &str) -> BodyText {
    let health = format!("{{path: /, body: {text}}}");
    let HealthAsk::Http(HttpAsk { body, .. }) = plan(&health).ask else { panic!("no path") };
    body.unwrap()
}

#[test]
fn a_text_is_looked_for_as_it_is_and_a_pattern_anywhere() {
    let text = body("'a.c'");
    assert!(text.is_in(b"xx a.c xx") && !text.is_in(b"abc") && !text.is_in(b""));
    let pattern = body("'~ \"status\": ?\"(ok|fine)\"'");
    assert!(pattern.is_in(b"{\"status\":\"fine\"}") && !pattern.is_in(b"{\"status\":\"bad\"}"));
    assert!(body("'~ ^ok'").is_in(b"ok\xff") && !body("'~ ^ok'").is_in(b"not ok"));
}

#[test]
fn a_plan_is_told_in_one_line() {
    let told = |health| plan(health).to_string();
    assert_eq!(
        told("{path: /up, method: HEAD, port: 81, unhealthy_after: 4}"),
        "HEAD /up at port 81 every 5s; down after 4 bad ones, up after 2 good ones"
    );
    assert!(told("{grpc: ''}").starts_with("grpc every"));
    assert!(told("{tcp: true}").starts_with("a connection every"));
}

#[test]
fn plans_differ_by_what_they_look_for() {
    let first = plan("{path: /, body: ok, headers: {X-A: '1'}}");
    let sent: Vec<_> = first.headers.iter().map(|(name, one)| (&**name, one.expose())).collect();
    assert_eq!(sent, [("x-a", "1")]);
    assert!(!format!("{first:?}").contains("\"1\""));
    assert_eq!(first, plan("{path: /, body: ok, headers: {x-a: '1'}}"));
    assert_ne!(first, plan("{path: /, body: okay, headers: {x-a: '1'}}"));
    assert_ne!(first, plan("{path: /, body: ok, headers: {x-a: '2'}}"));
}

#[test]
fn mistakes_of_checks_are_told() {
    for (health, told) in [
        ("{path: /, body: '~ (a'}", "`(a` is not a regular expression"),
        ("{path: /, body: '~ [ab]*a[ab]{3000}c'}", "takes too long to look for"),
        ("{path: /, body: '~ \\w+@\\w+'}", "write `(?-u)` in front"),
        ("{path: /, body: '~ '}", "every body has an empty text in it"),
        ("{path: /, headers: {Host: a}}", "`host` says what is asked for"),
        ("{path: /, headers: {Connection: a}}", "a check sets `connection` itself"),
        ("{grpc: '', headers: {Content-Type: a}}", "a check sets `content-type` itself"),
        ("{path: /, headers: {'a b': a}}", "`a b` is not the name of a header"),
        ("{path: /, headers: {a: \"a\\nb\"}}", "a header's value is one line"),
    ] {
        let config = format!(
            "hosts: {{'*': {{routes: {{/: up}}}}}}\nupstreams: {{up: {{endpoints: http://10.0.0.1, health: {health}}}}}"
        );
        let found = mistakes(&config);
        assert!(found.contains(told), "{health}: {found}");
    }
}

#[test]
fn values_of_headers_are_secrets() {
    let config = "hosts: {'*': {routes: {/: up}}}\nupstreams: {up: {endpoints: http://10.0.0.1, \
         health: {path: /, headers: {authorization: Bearer s3cret, host: a}}}}";
    let found = mistakes(config);
    assert!(found.contains("authorization: *") && !found.contains("s3cret"), "{found}");
}
