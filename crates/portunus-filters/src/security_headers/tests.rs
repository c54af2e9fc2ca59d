use crate::tests::*;
use portunus_spec::Node;

fn answered(node: Node, upstream: &[(&str, &str)]) -> String {
    let filter = build("security_headers", node).unwrap();
    let mut exchange = exchange("GET /");
    for (name, value) in upstream {
        exchange.response.headers.append(name.as_bytes(), value.as_bytes());
    }
    Rig::new().response(&*filter, &mut exchange);
    lines(&exchange.response.headers)
}

#[test]
fn the_defaults_are_strict_and_break_no_page() {
    assert_eq!(
        answered(Node::map::<&str>([]), &[]),
        "X-Content-Type-Options: nosniff; X-Frame-Options: SAMEORIGIN; \
         Referrer-Policy: strict-origin-when-cross-origin; \
         Permissions-Policy: camera=(), geolocation=(), microphone=()"
    );
}

#[test]
fn each_can_be_set_or_left_out() {
    let node = texts(&[
        ("content_type_options", "off"),
        ("frame_options", "DENY"),
        ("referrer_policy", "false"),
        ("permissions_policy", "off"),
        ("content_security_policy", "default-src 'self'; frame-ancestors 'none'"),
        ("cross_origin_opener_policy", "same-origin"),
    ]);
    assert_eq!(
        answered(node, &[]),
        "X-Frame-Options: DENY; Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; \
         Cross-Origin-Opener-Policy: same-origin"
    );
}

#[test]
fn the_upstream_s_own_are_replaced_or_kept() {
    let upstream = [("x-frame-options", "ALLOWALL"), ("Server", "a/1"), ("X-Powered-By", "b")];
    let replaced = answered(texts(&[("hide_server", "true")]), &upstream);
    assert!(replaced.starts_with("x-frame-options: SAMEORIGIN; X-Content"), "{replaced}");
    assert!(!replaced.contains("a/1") && !replaced.contains("Powered"), "{replaced}");
    let kept = answered(texts(&[("replace", "false")]), &upstream);
    assert!(
        kept.starts_with("x-frame-options: ALLOWALL; Server: a/1; X-Powered-By: b; X-C"),
        "{kept}"
    );
}

#[test]
fn it_allocates_nothing_for_a_request() {
    let filter = build("security_headers", Node::map::<&str>([])).unwrap();
    assert_eq!(allocations(&*filter, &mut exchange("GET /"), |_| {}), 0);
}

#[test]
fn mistakes_are_told() {
    let of = |value: &str| mistakes("security_headers", texts(&[("referrer_policy", value)]));
    assert!(of("a\nb").contains("control characters"), "{}", of("a\nb"));
    assert!(of(" ").contains("write `off`"), "{}", of(" "));
}
