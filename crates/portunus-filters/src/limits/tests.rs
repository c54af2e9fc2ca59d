use crate::tests::*;
use portunus_spec::Node;

#[test]
fn sizes_are_bounded() {
    let all = &[
        ("body_max", "10B"),
        ("header_bytes_max", "100B"),
        ("headers_max", "3"),
        ("uri_max", "8B"),
    ];
    let long = "v".repeat(60);
    for (line, headers, expected) in [
        ("GET /1234567", vec![], "continue"),
        ("GET /12345678", vec![], "414 limit.uri problem"),
        ("GET /1234?67", vec![], "continue"),
        ("GET /1234?678", vec![], "414 limit.uri problem"),
        ("GET /", vec![("A", "1"), ("B", "2")], "continue"),
        ("GET /", vec![("A", "1"), ("B", "2"), ("C", "3")], "431 limit.headers problem"),
        ("GET /", vec![("A", long.as_str())], "continue"),
        ("GET /", vec![("A", long.as_str()), ("B", "2345")], "431 limit.headers problem"),
        ("PUT /", vec![("Content-Length", "10")], "continue"),
        ("PUT /", vec![("Content-Length", "11")], "413 limit.body problem"),
        ("PUT /", vec![("Content-Length", "99999999999999999999")], "413 limit.body problem"),
        ("PUT /", vec![("Transfer-Encoding", "chunked")], "continue"),
    ] {
        let filter = build("limits", texts(all)).unwrap();
        let mut exchange = exchange(line);
        headers.iter().for_each(|(name, value)| {
            exchange.request.headers.append(name.as_bytes(), value.as_bytes());
        });
        let verdict = shown(&Rig::new().request(&*filter, &mut exchange));
        assert_eq!(verdict, expected, "{line} {headers:?}");
    }
}

#[test]
fn the_relay_learns_the_smallest_bound() {
    let mut exchange = exchange("PUT /");
    for (max, expected) in [("1MiB", 1 << 20), ("64KiB", 64 << 10), ("2MiB", 64 << 10)] {
        let filter = build("limits", Node::text(max)).unwrap();
        Rig::new().request(&*filter, &mut exchange);
        assert_eq!(exchange.request_body_max, Some(expected));
    }
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("limits", Node::map::<&str>([])).contains("no limit"));
    assert!(mistakes("limits", Node::text("10")).contains("not a size"));
    assert!(mistakes("limits", texts(&[("body_mx", "1B")])).contains("did you mean `body_max`"));
}
