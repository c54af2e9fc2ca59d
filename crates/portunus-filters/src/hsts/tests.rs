use portunus_exchange::Scheme;
use portunus_http::HeaderId;
use portunus_spec::Node;

use crate::tests::*;

fn told(node: Node, scheme: Scheme) -> Option<String> {
    let filter = build("hsts", node).unwrap();
    let mut exchange = exchange("GET /");
    exchange.client.scheme = scheme;
    Rig::new().response(&*filter, &mut exchange);
    let value = exchange.response.headers.value_of(HeaderId::StrictTransportSecurity);
    value.map(|value| String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn answers_over_tls_say_it() {
    assert_eq!(told(Node::text("365d"), Scheme::Https).unwrap(), "max-age=31536000");
    let all = texts(&[("max_age", "1h"), ("include_subdomains", "true"), ("preload", "true")]);
    assert_eq!(told(all, Scheme::Https).unwrap(), "max-age=3600; includeSubDomains; preload");
    assert_eq!(told(Node::text("365d"), Scheme::Http), None);
}

#[test]
fn a_time_is_needed() {
    assert!(mistakes("hsts", texts(&[("preload", "true")])).contains("missing key `max_age`"));
}
