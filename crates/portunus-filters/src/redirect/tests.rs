use crate::tests::*;
use portunus_exchange::Exchange;
use portunus_filter::Verdict;
use portunus_spec::Node;
use proptest::prelude::*;

fn location(node: Node, exchange: &mut Exchange) -> String {
    let filter = build("redirect", node).unwrap();
    let Verdict::Reply(reply) = Rig::new().request(&*filter, exchange) else { panic!() };
    format!("{} {}", reply.status, header(&reply, "location").unwrap())
}

#[test]
fn places_are_made_from_the_request() {
    for (to, line, expected) in [
        ("/new/{id}", "GET /orders/7?x=1", "308 /new/7?x=1"),
        ("/new?y=2", "GET /orders/7?x=1", "308 /new?y=2"),
        ("/new#top", "GET /orders/7?x=1", "308 /new?x=1#top"),
        ("https://{host}{uri}", "GET /orders/7?x=1", "308 https://shop.example.com/orders/7?x=1"),
        ("{scheme}://www.{host}:81/{id}", "GET /orders/7", "308 http://www.shop.example.com:81/7"),
        ("/{rest}", "GET /orders/7//evil.example", "308 /evil.example"),
        ("{rest}", "GET /orders/7/\\evil.example", "308 /evil.example"),
        ("/a/{rest}", "GET /orders/7/ü\"", "308 /a/%C3%BC%22"),
    ] {
        assert_eq!(location(Node::text(to), &mut exchange(line)), expected, "{to} {line}");
    }
}

#[test]
fn status_and_query_can_be_chosen() {
    let node = texts(&[("to", "/new"), ("status", "302"), ("query", "drop")]);
    assert_eq!(location(node, &mut exchange("GET /a?x=1")), "302 /new");
}

#[test]
fn mistakes_are_told() {
    let of = |to: &str| mistakes("redirect", Node::text(to));
    assert!(of("//evil.example/x").contains("write `https://evil.example/x`"));
    assert!(of("new").contains("neither a path nor a URL"));
    assert!(of("https:///x").contains("no host"));
    assert!(of("https://example.com{rest}").contains("does not name one host"));
    assert!(of("https://{query.h}/x").contains("does not name one host"));
    assert!(of("/{nope}").contains("unknown variable"));
    let status = mistakes("redirect", texts(&[("to", "/a"), ("status", "304")]));
    assert!(status.contains("304 is not a redirect"));
    assert!(mistakes("redirect", texts(&[("status", "301")])).contains("missing key `to`"));
}

proptest! {
    #[test]
    fn a_path_stays_on_its_host(value: Vec<u8>, query: Vec<u8>) {
        for to in ["/{header.x-to}", "{header.x-to}", "/a{header.x-to}#{header.x-to}"] {
            let mut exchange = exchange("GET /");
            exchange.request.headers.append(b"X-To", &value);
            exchange.request.set_query(Some(&query));
            let location = location(Node::text(to), &mut exchange);
            let place = location.strip_prefix("308 ").unwrap().as_bytes();
            prop_assert_eq!(place.first(), Some(&b'/'));
            prop_assert!(!matches!(place.get(1), Some(b'/' | b'\\')));
            prop_assert!(place.iter().all(u8::is_ascii_graphic));
        }
    }
}
