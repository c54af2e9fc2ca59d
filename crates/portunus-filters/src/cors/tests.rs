use super::*;
use crate::tests::*;
use portunus_spec::Node;

const APP: &str = "https://app.example.com";

fn asked(method: &str, headers: &[(&str, &str)]) -> Exchange {
    let mut exchange = exchange(&format!("{method} /orders/7"));
    for (name, value) in headers {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    exchange
}

/// The filter's answer to a request and the headers of the answer that the client gets, by name.
fn answered(filter: &dyn Filter, exchange: &mut Exchange, upstream: &[(&str, &str)]) -> String {
    let mut rig = Rig::new();
    let verdict = shown(&rig.request(filter, exchange));
    for (name, value) in upstream {
        exchange.response.headers.append(name.as_bytes(), value.as_bytes());
    }
    rig.response(filter, exchange);
    let headers = [lines(&exchange.response.headers), lines(&exchange.response_extra)];
    let headers: Vec<&str> =
        headers.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    format!("{verdict} | {}", headers.join("; "))
}

#[test]
fn answers_to_pages_that_may_say_so() {
    let filter = build("cors", Node::text(APP)).unwrap();
    let mut allowed = asked("GET", &[("Origin", APP)]);
    assert_eq!(
        answered(&*filter, &mut allowed, &[]),
        format!("continue | Vary: Origin; Access-Control-Allow-Origin: {APP}")
    );
    for other in [
        &[("Origin", "https://evil.example.net")][..],
        &[("Origin", "null")],
        &[("Origin", APP), ("Origin", APP)],
        &[],
    ] {
        let mut exchange = asked("POST", other);
        assert_eq!(answered(&*filter, &mut exchange, &[]), "continue | Vary: Origin", "{other:?}");
    }
}

#[test]
fn the_upstream_s_own_are_replaced() {
    let filter = build("cors", Node::text(APP)).unwrap();
    let upstream = [
        ("Access-Control-Allow-Origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("Vary", "Accept-Encoding, origin"),
        ("ETag", "x"),
    ];
    assert_eq!(
        answered(&*filter, &mut asked("GET", &[]), &upstream),
        "continue | Vary: Accept-Encoding, origin; ETag: x"
    );
    let mut allowed = asked("GET", &[("Origin", APP)]);
    assert!(
        answered(&*filter, &mut allowed, &upstream)
            .ends_with(&format!("ETag: x; Access-Control-Allow-Origin: {APP}"))
    );
}

#[test]
fn preflights_are_answered() {
    let node = Node::map([
        ("origins", list(&["https://*.example.com"])),
        ("methods", list(&["GET", "PUT"])),
        ("headers", list(&["X-Tier", "Content-Type"])),
        ("expose", list(&["X-Total"])),
        ("credentials", Node::text("true")),
        ("max_age", Node::text("1h")),
    ]);
    let filter = build("cors", node).unwrap();
    let preflight = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "x-other"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    assert_eq!(
        answered(&*filter, &mut asked("OPTIONS", &preflight), &[]),
        format!(
            "204 - - | Vary: Origin; Vary: Access-Control-Request-Method; \
             Vary: Access-Control-Request-Headers; Access-Control-Allow-Origin: {APP}; \
             Access-Control-Allow-Credentials: true; Access-Control-Allow-Methods: GET, PUT; \
             Access-Control-Allow-Headers: X-Tier, Content-Type; Access-Control-Max-Age: 3600"
        )
    );
    let mut denied = asked("OPTIONS", &[("Origin", "https://evil.net"), preflight[1]]);
    let denied = answered(&*filter, &mut denied, &[]);
    assert!(denied.starts_with("403 cors.origin problem | Vary: Origin"), "{denied}");
    assert!(!denied.contains("Allow"), "{denied}");
    let exposed = answered(&*filter, &mut asked("PUT", &[("Origin", APP)]), &[]);
    assert!(exposed.ends_with("Access-Control-Expose-Headers: X-Total"), "{exposed}");
}

#[test]
fn what_is_asked_for_is_allowed_where_all_is() {
    let node = Node::map([
        ("origins", Node::text("*")),
        ("methods", Node::text("*")),
        ("private_network", Node::text("true")),
    ]);
    let filter = build("cors", node).unwrap();
    let preflight = [
        ("Origin", "https://any.example.net"),
        ("Access-Control-Request-Method", "PURGE"),
        ("Access-Control-Request-Headers", "x-a,x-b"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    let shown = answered(&*filter, &mut asked("OPTIONS", &preflight), &[]);
    for wanted in [
        "Access-Control-Allow-Origin: *;",
        "Access-Control-Allow-Methods: PURGE;",
        "Access-Control-Allow-Headers: x-a,x-b;",
        "Access-Control-Max-Age: 600; Access-Control-Allow-Private-Network: true",
    ] {
        assert!(shown.contains(wanted), "{shown}");
    }
    let wrong = [preflight[0], preflight[1], ("Access-Control-Request-Headers", "x-a, b c")];
    let shown = answered(&*filter, &mut asked("OPTIONS", &wrong), &[]);
    assert!(!shown.contains("Allow-Headers"), "{shown}");
    let plain = answered(&*filter, &mut asked("GET", &[]), &[]);
    assert_eq!(plain, "continue | Access-Control-Allow-Origin: *");
}

#[test]
fn other_options_go_on() {
    let filter = build("cors", Node::text(APP)).unwrap();
    for headers in [
        &[("Origin", APP)][..],
        &[("Access-Control-Request-Method", "PUT")],
        &[("Origin", APP), ("Access-Control-Request-Method", "")],
        &[("Origin", APP), ("Access-Control-Request-Method", "P T")],
    ] {
        let shown = answered(&*filter, &mut asked("OPTIONS", headers), &[]);
        assert!(shown.starts_with("continue"), "{headers:?} {shown}");
    }
}

#[test]
fn mistakes_are_told() {
    let of = |entries: Vec<(&str, Node)>| mistakes("cors", Node::map(entries));
    assert!(of(vec![]).contains("missing key `origins`"));
    assert!(of(vec![("origins", list(&[]))]).contains("allows no origin"));
    assert!(of(vec![("origins", Node::text("example.com"))]).contains("not an origin"));
    let credentials = || ("credentials", Node::text("true"));
    let star = of(vec![("origins", Node::text("*")), credentials()]);
    assert!(star.contains("cannot go with `credentials`"), "{star}");
    let expose = of(vec![("origins", Node::text(APP)), ("expose", Node::text("*")), credentials()]);
    assert!(expose.contains("no `*` here"), "{expose}");
    let names = of(vec![("origins", Node::text(APP)), ("methods", list(&["GET, PUT"]))]);
    assert!(names.contains("not a name of HTTP"), "{names}");
}
