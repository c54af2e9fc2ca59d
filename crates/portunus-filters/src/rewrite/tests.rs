use crate::tests::*;
use portunus_exchange::Exchange;
use portunus_spec::Node;
use proptest::prelude::*;

/// The target that the upstream gets, or the answer.
fn rewritten(node: Node, line: &str) -> String {
    let filter = build("rewrite", node).unwrap();
    let mut exchange = exchange(line);
    let verdict = shown(&Rig::new().request(&*filter, &mut exchange));
    if verdict != "continue" {
        return verdict;
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let query = exchange.request.query().map_or(String::new(), |query| format!("?{}", text(query)));
    text(exchange.request.path()) + &query
}

#[test]
fn the_whole_path_is_replaced() {
    for (to, line, expected) in [
        ("/v2/{id}", "GET /orders/7?x=1", "/v2/7?x=1"),
        ("/v2/{id}?id={id}", "GET /orders/7?x=1", "/v2/7?id=7"),
        ("/v2?", "GET /orders/7?x=1", "/v2"),
        ("/v2{uri}", "GET /orders/7?x=1", "/v2/orders/7?x=1"),
        ("{path}", "GET /a%20b", "/a%20b"),
        ("{header.x-none}", "GET /a", "400 rewrite.bad_path problem"),
        ("/files/{query.f}", "GET /a?f=../etc", "400 rewrite.bad_path problem"),
    ] {
        assert_eq!(rewritten(Node::text(to), line), expected, "{to}");
    }
}

#[test]
fn prefixes_go_by_whole_segments() {
    for (strip, prefix, path, expected) in [
        ("/api", None, "/api/users?x=1", "/users?x=1"),
        ("/api/", None, "/api/users", "/users"),
        ("/api", None, "/api", "/"),
        ("/api", None, "/apix", "/apix"),
        ("/api", Some("/v2/"), "/api/users", "/v2/users"),
        ("/", Some("/v2"), "/users", "/v2/users"),
    ] {
        let prefix = prefix.map(|prefix| ("prefix", prefix));
        let entries: Vec<_> = [("strip", strip)].into_iter().chain(prefix).collect();
        assert_eq!(rewritten(texts(&entries), &format!("GET {path}")), expected, "{path}");
    }
}

#[test]
fn the_upstream_learns_what_was_stripped() {
    let filter = build("rewrite", texts(&[("strip", "/orders")])).unwrap();
    let mut exchange = exchange("GET /orders/7");
    exchange.request.headers.set(b"X-Forwarded-Prefix", b"/outer");
    Rig::new().request(&*filter, &mut exchange);
    let value = exchange.request.headers.value(b"x-forwarded-prefix");
    assert_eq!(value, Some(&b"/outer/orders"[..]));
}

#[test]
fn a_regex_replaces_its_first_match() {
    let regex = |from: &str, to: &str| {
        Node::map([("regex", Node::map([("match", Node::text(from)), ("to", Node::text(to))]))])
    };
    for (from, to, line, expected) in [
        ("^/old/(.*)$", "/new/$1", "GET /old/a/b?x=1", "/new/a/b?x=1"),
        ("/(?P<y>[0-9]+)-([0-9]+)", "/$2.$y/{method}", "GET /7-8/9-1", "/8.7/GET/9-1"),
        ("b", "$$1", "GET /abb", "/a$1b"),
        ("none", "x", "GET /a", "/a"),
        ("^/", "", "GET /a", "400 rewrite.bad_path problem"),
    ] {
        assert_eq!(rewritten(regex(from, to), line), expected, "{from}");
    }
    assert!(mistakes("rewrite", regex("(", "x")).contains("not a regular expression: unclosed"));
    assert!(mistakes("rewrite", regex("(a)", "$2")).contains("no group `2`"));
    assert!(mistakes("rewrite", regex("(a)", "{x}")).contains("unknown variable"));
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("rewrite", Node::map::<&str>([])).contains("nothing to do"));
    assert!(mistakes("rewrite", Node::text("v2")).contains("begins with `/`"));
    assert!(
        mistakes("rewrite", texts(&[("to", "/a"), ("strip", "/b")])).contains("does not go with")
    );
    for bad in ["api", "/a?b", "/a b", "/../a", "/{id}"] {
        let two = mistakes("rewrite", texts(&[("strip", bad), ("prefix", bad)]));
        assert_eq!(two.lines().filter(|line| line.contains("is not a path")).count(), 2, "{two}");
    }
}

#[test]
fn nothing_is_allocated() {
    let node = Node::map([
        ("strip", Node::text("/api")),
        ("regex", texts(&[("match", "^/v([0-9])/(.*)$"), ("to", "/$2/{client.ip}/$1")])),
        ("prefix", Node::text("/p")),
    ]);
    let filter = build("rewrite", node).unwrap();
    let prepare = |exchange: &mut Exchange| exchange.request.set_path(b"/api/v1/users");
    let mut exchange = exchange("GET /");
    assert_eq!(allocations(&*filter, &mut exchange, prepare), 0);
    assert_eq!(exchange.request.path(), b"/p/users/0.0.0.0/1");
}

proptest! {
    #[test]
    fn what_goes_to_the_upstream_is_a_path(value: Vec<u8>) {
        let filter = build("rewrite", Node::text("{header.x-to}/{attribute.user}")).unwrap();
        let mut exchange = exchange("GET /orders/7?x=1");
        exchange.request.headers.append(b"X-To", &value);
        exchange.attributes.set("user", &value);
        let verdict = Rig::new().request(&*filter, &mut exchange);
        let (path, query) = (exchange.request.path(), exchange.request.query().unwrap_or(b""));
        prop_assert_eq!(path.first(), Some(&b'/'));
        prop_assert!(portunus_http::valid_path(path) && portunus_http::valid_path(query));
        prop_assert!(!path.split(|b| *b == b'/').any(|segment| segment == b".."));
        if !matches!(verdict, portunus_filter::Verdict::Continue) {
            prop_assert_eq!(path, b"/orders/7");
        }
    }
}
