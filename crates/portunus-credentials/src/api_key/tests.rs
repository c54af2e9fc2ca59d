use portunus_filter::testing::texts;
use portunus_spec::Node;

use crate::fixture::*;

/// A request line, headers, and what must come of it.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str);

/// Asks with these settings.
#[track_caller]
fn check(node: &Node, cases: &[Case<'_>]) {
    let mut rig = rig(vec![(key("s3cret"), None), (key("n+w %"), None)]);
    let filter = build("api_key", node.clone());
    for (line, headers, expected) in cases {
        let mut exchange = request(line, headers);
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), *expected, "{line} {headers:?}");
    }
}

const FINE: &str = "api_key/acme";
const MISSING: &str = "401 auth.missing";
const INVALID: &str = "401 auth.invalid";

#[test]
fn a_key_stands_in_a_header() {
    let long = "x".repeat(1025);
    check(
        &Node::default(),
        &[
            ("GET /", &[("x-api-KEY", "s3cret")], FINE),
            ("GET /", &[], MISSING),
            ("GET /", &[("X-Api-Key", "S3cret")], INVALID),
            ("GET /", &[("X-Api-Key", "")], INVALID),
            ("GET /", &[("X-Api-Key", &long)], INVALID),
            ("GET /", &[("X-Api-Key", "s3cret"), ("X-Api-Key", "s3cret")], INVALID),
            ("GET /", &[("X-Api-Key", "s3cret, x")], INVALID),
            ("GET /", &[("X_Api_Key", "s3cret")], MISSING),
            ("GET /?X-Api-Key=s3cret", &[], MISSING),
        ],
    );
    check(
        &Node::text("key"),
        &[("GET /", &[("Key", "s3cret")], FINE), ("GET /", &[("X-Api-Key", "s3cret")], MISSING)],
    );
    check(
        &Node::text("authorization"),
        &[
            ("GET /", &[("Authorization", "ApiKey s3cret")], FINE),
            ("GET /", &[("Authorization", "bearer  s3cret")], FINE),
            ("GET /", &[("Authorization", "Basic s3cret")], MISSING),
            ("GET /", &[("Authorization", "s3cret")], MISSING),
        ],
    );
}

#[test]
fn a_key_stands_in_the_query() {
    check(
        &texts(&[("query", "key")]),
        &[
            ("GET /?key=s3cret", &[], FINE),
            ("GET /?a=1&k%65y=n%2Bw%20%25", &[], FINE),
            ("GET /?key=s3cret&key=s3cret", &[], INVALID),
            ("GET /?key=s3cret&%6bey=x", &[], INVALID),
            ("GET /?key", &[], INVALID),
            ("GET /", &[("X-Api-Key", "s3cret")], MISSING),
        ],
    );
}

#[test]
fn a_key_stands_in_a_cookie() {
    check(
        &texts(&[("cookie", "key")]),
        &[
            ("GET /", &[("Cookie", "a=b; key=s3cret")], FINE),
            ("GET /", &[("Cookie", "key=x"), ("Cookie", "key=s3cret")], INVALID),
            ("GET /", &[("Cookie", "Key=s3cret")], MISSING),
        ],
    );
}

#[test]
fn of_several_places_one_has_the_key() {
    check(
        &texts(&[("header", "key"), ("query", "key")]),
        &[("GET /?key=s3cret", &[], FINE), ("GET /?key=s3cret", &[("Key", "s3cret")], INVALID)],
    );
}

#[test]
fn nobody_goes_on_where_nobody_may() {
    check(
        &texts(&[("optional", "true")]),
        &[("GET /", &[], "nobody"), ("GET /", &[("X-Api-Key", "x")], INVALID)],
    );
}

#[test]
fn two_keys_hold_at_once_until_one_ends() {
    let mut rig =
        rig(vec![(key("old"), Some(NOW_S)), (key("soon"), Some(NOW_S + 1)), (key("new"), None)]);
    let filter = build("api_key", Node::default());
    for (sent, expected) in
        [("old", "401 auth.expired"), ("soon", "api_key/acme"), ("new", "api_key/acme")]
    {
        let mut exchange = request("GET /", &[("X-Api-Key", sent)]);
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected, "{sent}");
    }
}

#[test]
fn the_key_does_not_go_on() {
    for (strip, line, headers, path, left) in [
        (true, "GET /a?x=1&key=k&y=2", vec![], "/a?x=1&y=2", vec![]),
        (true, "GET /a?key=k", vec![], "/a", vec![]),
        (
            true,
            "GET /a?x=1",
            vec![("Cookie", "a=b; key=k"), ("Cookie", "c")],
            "/a?x=1",
            vec!["Cookie: a=b; c"],
        ),
        (true, "GET /a", vec![("Cookie", "key=k")], "/a", vec![]),
        (true, "GET /a", vec![("kEy", "k"), ("A", "b")], "/a", vec!["A: b"]),
        (false, "GET /a?x=1&key=k", vec![("A", "b")], "/a?x=1&key=k", vec!["A: b"]),
    ] {
        let strip = strip.to_string();
        let node = [("header", "key"), ("query", "key"), ("cookie", "key"), ("strip", &*strip)];
        let filter = build("api_key", texts(&node));
        let mut exchange = request(line, &headers);
        let verdict = rig(vec![(key("k"), None)]).request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), "api_key/acme", "{line} {headers:?}");
        let query = exchange.request.query().map(|query| [b"?", query].concat());
        let target = [exchange.request.path(), &query.unwrap_or_default()].concat();
        assert_eq!(std::str::from_utf8(&target), Ok(path));
        let told = [
            "X-Consumer-Id: c-1",
            "X-Consumer-Username: acme",
            "X-Credential-Identifier: acme-0",
            "X-Consumer-Groups: partners, eu",
        ];
        assert_eq!(headers_of(&exchange), [left, told.to_vec()].concat(), "{line}");
    }
}

#[test]
fn a_key_of_the_query_is_not_logged() {
    let filter = build("api_key", texts(&[("query", "key")]));
    for sent in ["right", "wrong"] {
        let mut exchange = request(&format!("GET /a?x=1&k%65y={sent}&y"), &[]);
        rig(vec![(key("right"), None)]).request(&*filter, &mut exchange);
        let (path, query) = exchange.target;
        assert_eq!(exchange.request.headers.text(path), b"/a");
        assert_eq!(exchange.request.headers.text(query.unwrap()), b"x=1&key=[hidden]&y");
    }
}

#[test]
fn a_refusal_says_what_is_missing_and_nothing_of_the_key() {
    let mut rig = rig(Vec::new());
    let filter = build("api_key", Node::default());
    let reply = reply(rig.request(&*filter, &mut request("GET /", &[("X-Api-Key", "my-key")])));
    assert_eq!(challenges(&reply), ["ApiKey realm=\"header X-Api-Key\""]);
    assert!(!format!("{reply:?} {:?}", rig.notes).contains("my-key"));
}

#[test]
fn a_refused_request_stays_as_it_was() {
    let filter = build("api_key", texts(&[("header", "key"), ("query", "key")]));
    let mut exchange = request("GET /?key=x&y", &[("A", "b"), ("Cookie", "key=x")]);
    rig(Vec::new()).request(&*filter, &mut exchange);
    assert_eq!(headers_of(&exchange), ["A: b", "Cookie: key=x"]);
    assert_eq!(exchange.request.query(), Some(&b"key=x&y"[..]));
    assert!(exchange.identity.is_none());
}

#[test]
fn mistakes_are_told() {
    for name in ["", "a b", "a:b", "\u{e4}"] {
        assert!(bench().mistakes("api_key", Node::text(name)).contains("not a name"), "{name}");
    }
}
