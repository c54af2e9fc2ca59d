use portunus_exchange::Scheme;
use portunus_filter::Verdict;
use portunus_spec::Node;

use crate::tests::*;

fn location(node: Node, line: &str) -> String {
    let filter = build("redirect_https", node).unwrap();
    let Verdict::Reply(reply) = Rig::new().request(&*filter, &mut exchange(line)) else { panic!() };
    format!("{} {}", reply.status, header(&reply, "location").unwrap())
}

#[test]
fn the_same_place_is_named_without_the_port_of_plain_http() {
    for (node, line, expected) in [
        (texts(&[]), "GET /orders/7?x=1", "308 https://shop.example.com/orders/7?x=1"),
        (texts(&[]), "GET /a\"b?", "308 https://shop.example.com/a%22b?"),
        (texts(&[("port", "8443")]), "POST /", "308 https://shop.example.com:8443/"),
        (Node::text("301"), "GET /", "301 https://shop.example.com/"),
    ] {
        assert_eq!(location(node, line), expected, "{line}");
    }
}

#[test]
fn who_comes_over_tls_is_let_through() {
    let filter = build("redirect_https", texts(&[])).unwrap();
    let mut exchange = exchange("GET /");
    exchange.client.scheme = Scheme::Https;
    assert!(matches!(Rig::new().request(&*filter, &mut exchange), Verdict::Continue));
}

#[test]
fn other_statuses_are_refused() {
    assert!(mistakes("redirect_https", Node::text("200")).contains("200 is not a redirect"));
}
