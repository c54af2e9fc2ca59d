use crate::tests::*;
use portunus_exchange::Exchange;
use portunus_spec::Node;

fn edits(side: &str, entries: &[(&str, Node)]) -> Node {
    Node::map([(side, Node::map(entries.iter().cloned()))])
}

#[test]
fn edits_of_the_request_are_made_in_order() {
    let node = edits(
        "request",
        &[
            ("append", texts(&[("X-List", "{client.ip}"), ("x-fresh", "only")])),
            ("add", Node::map([("X-Tag", list(&["one", "{method}"]))])),
            ("set", texts(&[("X-Set", "new")])),
            ("remove", list(&["x-gone", "Cookie"])),
        ],
    );
    let filter = build("headers", node).unwrap();
    let mut exchange = exchange("GET /");
    for (name, value) in
        [("X-Gone", "1"), ("Cookie", "a=1"), ("x-set", "old"), ("X-List", "a"), ("x-list", "b")]
    {
        exchange.request.headers.append(name.as_bytes(), value.as_bytes());
    }
    assert_eq!(shown(&Rig::new().request(&*filter, &mut exchange)), "continue");
    assert_eq!(
        lines(&exchange.request.headers),
        "Host: shop.example.com:8080; x-set: new; X-List: a, b, 192.0.2.7; X-Tag: one; X-Tag: GET; \
         x-fresh: only"
    );
}

#[test]
fn edits_of_the_answer_see_its_status() {
    let filter =
        build("headers", edits("response", &[("set", texts(&[("X-Was", "{status}")]))])).unwrap();
    let mut exchange = exchange("GET /");
    exchange.response.set_status(404);
    Rig::new().response(&*filter, &mut exchange);
    assert_eq!(lines(&exchange.response.headers), "X-Was: 404");
}

#[test]
fn host_is_the_authority() {
    let host =
        |value| build("headers", edits("request", &[("set", texts(&[("host", value)]))])).unwrap();
    let mut exchange = exchange("GET /");
    Rig::new().request(&*host("Orders.internal:81"), &mut exchange);
    assert_eq!(exchange.request.host(), b"orders.internal");
    assert_eq!(lines(&exchange.request.headers), "Host: Orders.internal:81");
    let verdict = Rig::new().request(&*host("{query}"), &mut exchange);
    assert_eq!(shown(&verdict), "400 headers.bad_host problem");
    assert_eq!(exchange.request.host(), b"orders.internal");
}

#[test]
fn only_the_phases_that_are_used_are_asked_for() {
    use portunus_exchange::Phase;
    let filter = build("headers", edits("response", &[("remove", list(&["Server"]))])).unwrap();
    let phases = filter.interest().phases;
    assert!(phases.has(Phase::Response) && !phases.has(Phase::Request));
}

#[test]
fn nothing_is_allocated() {
    let node = Node::map([
        (
            "request",
            Node::map([
                ("set", texts(&[("X-Fixed", "a"), ("X-Real-Ip", "{client.ip}")])),
                ("append", texts(&[("X-List", "{path}")])),
                ("remove", list(&["X-Gone"])),
            ]),
        ),
        ("response", Node::map([("add", texts(&[("X-Served", "{host}")]))])),
    ]);
    let filter = build("headers", node).unwrap();
    let prepare = |exchange: &mut Exchange| {
        exchange.request.set_path(b"/a");
        exchange.request.headers.append(b"X-List", b"x");
        exchange.request.headers.append(b"X-Gone", b"x");
    };
    assert_eq!(allocations(&*filter, &mut exchange("GET /"), prepare), 0);
}

#[test]
fn mistakes_are_told() {
    let one = |side: &str, key: &str, name: &str| {
        mistakes("headers", edits(side, &[(key, texts(&[(name, "x")]))]))
    };
    assert!(one("request", "set", "Content-Length").contains("where the body ends"));
    assert!(one("response", "add", "transfer-encoding").contains("where the body ends"));
    assert!(one("response", "set", "Connection").contains("one connection"));
    assert!(one("response", "set", "Host").contains("belongs to requests"));
    assert!(one("request", "add", "Host").contains("exactly one `Host`"));
    assert!(one("response", "append", "Set-Cookie").contains("not a list"));
    assert!(one("request", "set", "a b").contains("not a header name"));
    let all = mistakes(
        "headers",
        edits(
            "request",
            &[
                ("set", texts(&[("X-A", "{nope}"), ("X-B", "a\nb"), ("Host", "a b")])),
                ("remove", list(&["X Y"])),
            ],
        ),
    );
    assert_eq!(all.lines().count(), 3, "{all}");
}
