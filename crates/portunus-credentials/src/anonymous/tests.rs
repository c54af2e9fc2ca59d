use portunus_spec::Node;

use crate::fixture::*;

#[test]
fn nobody_becomes_the_consumer() {
    let mut rig = rig(Vec::new());
    for (node, expected) in [
        (Node::text("guest"), "anonymous/guest"),
        (Node::default(), "anonymous/anonymous"),
        (Node::text("nobody-knows"), "503 auth.unknown_consumer"),
    ] {
        let filter = build("anonymous", node);
        let mut exchange = request("GET /", &[]);
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected);
    }
}

#[test]
fn somebody_stays_who_he_is() {
    let mut rig = rig(vec![(key("k"), None)]);
    let mut exchange = request("GET /", &[("X-Api-Key", "k")]);
    for (name, node) in [("api_key", Node::default()), ("anonymous", Node::text("guest"))] {
        let filter = build(name, node);
        let verdict = rig.request(&*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), "api_key/acme");
    }
}

#[test]
fn the_upstream_is_told() {
    let mut rig = rig(Vec::new());
    let mut exchange = request("GET /", &[]);
    rig.request(&*build("anonymous", Node::text("guest")), &mut exchange);
    assert_eq!(headers_of(&exchange), ["X-Consumer-Id: c-2", "X-Consumer-Username: guest"]);
}
