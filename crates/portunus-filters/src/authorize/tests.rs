use super::*;
use crate::tests::*;
use portunus_identity::Consumer;
use portunus_spec::Node;

fn ann() -> Identity {
    let consumer = Consumer { id: "c1".into(), name: "acme".into(), ..Consumer::default() };
    Identity {
        subject: "ann".into(),
        consumer: Some(Arc::new(consumer)),
        groups: ["staff".into(), "editors".into()].into(),
        scopes: ["orders:read".into(), "orders:write".into()].into(),
        claims: serde_json::from_str(r#"{"tier": "gold"}"#).unwrap(),
        ..Identity::default()
    }
}

/// What the filter says to ann and to nobody.
fn verdicts(node: Node) -> (String, String) {
    let filter = build("authorize", node).unwrap();
    let mut nobody = exchange("PUT /orders/7");
    let mut known = exchange("PUT /orders/7");
    known.identity = Some(Arc::new(ann()));
    let mut rig = Rig::new();
    let known = shown(&rig.request(&*filter, &mut known));
    (known, shown(&rig.request(&*filter, &mut nobody)))
}

#[test]
fn all_that_is_written_must_hold() {
    let (yes, no, who) = ("continue", "403 auth.forbidden problem", "401 auth.missing problem");
    for (node, known, unknown) in [
        (Node::text("request.method == 'PUT'"), yes, yes),
        (Node::text("request.method == 'GET'"), no, no),
        (Node::text("'editors' in identity.groups"), yes, who),
        (Node::text("claims.tier == 'lead'"), no, who),
        (Node::text("claims.nobody == 'x' || request.method == 'PUT'"), yes, yes),
        (Node::text("params.id == '7' && identity != null"), yes, who),
        (Node::map([("groups", list(&["admins", "editors"]))]), yes, who),
        (Node::map([("groups", Node::text("admins"))]), no, who),
        (Node::map([("scopes", list(&["orders:read", "orders:write"]))]), yes, who),
        (Node::map([("scopes", list(&["orders:read", "users:read"]))]), no, who),
        (Node::map([("consumers", list(&["other", "acme"]))]), yes, who),
        (Node::map([("consumers", list(&["c1"]))]), yes, who),
        (Node::map([("consumers", list(&["ann"]))]), no, who),
        (Node::map([("groups", list(&["staff"])), ("when", Node::text("false"))]), no, who),
        (Node::map([("groups", list(&["x"])), ("when", Node::text("true"))]), no, who),
    ] {
        let shown = format!("{node:?}");
        assert_eq!(verdicts(node), (known.to_owned(), unknown.to_owned()), "{shown}");
    }
}

#[test]
fn a_refusal_names_the_rule_and_no_value() {
    let refusal = |node: Node| {
        let filter = build("authorize", node).unwrap();
        let mut asked = exchange("GET /");
        let Verdict::Reply(reply) = Rig::new().request(&*filter, &mut asked) else { panic!() };
        (reply.status, reply.detail.clone().unwrap(), header(&reply, "www-authenticate").is_some())
    };
    let detail = |rule: &str| format!("The rule `{rule}` does not hold.");
    assert_eq!(refusal(texts(&[("groups", "secret-group")])), (401, detail("groups"), true));
    assert_eq!(refusal(texts(&[("when", "request.path == '/x'")])), (403, detail("when"), false));
    let own = [("when", "false"), ("deny_status", "404"), ("message", "Nothing is here.")];
    assert_eq!(refusal(texts(&own)), (404, "Nothing is here.".to_owned(), false));
    let hidden = [("scopes", "x"), ("deny_status", "404")];
    assert_eq!(refusal(texts(&hidden)), (404, detail("scopes"), false));
}

#[test]
fn a_rule_that_costs_too_much_is_refused() {
    let text = "request.query.all(a, request.query.all(b, a != b || true))";
    let filter = build("authorize", Node::text(text)).unwrap();
    let query: Vec<String> = (0..1000).map(|at| format!("p{at}")).collect();
    let mut asked = exchange(&format!("GET /?{}", query.join("&")));
    let mut rig = Rig::new();
    assert_eq!(shown(&rig.request(&*filter, &mut asked)), "403 auth.expression_cost problem");
    assert_eq!(shown(&rig.request(&*filter, &mut exchange("GET /?a&b"))), "continue");
}

#[test]
fn explain_is_told_of_each_part() {
    let node = Node::map([
        ("groups", list(&["admins", "staff"])),
        ("when", Node::text("request.method == 'PUT' && claims.level > 3")),
    ]);
    let filter = build("authorize", node).unwrap();
    let mut asked = exchange("PUT /");
    asked.identity = Some(Arc::new(ann()));
    let mut rig = Rig::new();
    rig.request(&*filter, &mut asked);
    assert_eq!(
        rig.notes,
        [
            "groups [admins, staff]: true",
            "`request.method == 'PUT'`: true",
            "`claims.level > 3`: false, as `claims.level` is missing",
            "when: false, as `claims.level` is missing",
        ]
    );
}

#[test]
fn a_request_that_passes_allocates_nothing() {
    let text = "request.method == 'PUT' && request.path.startsWith('/orders/')";
    let filter = build("authorize", Node::text(text)).unwrap();
    let (mut rig, mut asked) = (Rig::new(), exchange("PUT /orders/7"));
    let mut cx = rig.cx();
    cx.notes = None;
    let mut run = || assert!(matches!(filter.on_request(&mut asked, &mut cx), Verdict::Continue));
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("authorize", Node::map::<&str>([])).contains("has no rule"));
    let of = |text: &str| mistakes("authorize", Node::text(text));
    assert!(of("request.metod == 'GET'").contains("did you mean `request.method`?"));
    assert!(of("request.method").contains("the expression is of type string"));
    assert!(of("params.name == 'x'").contains("no part named `name`"));
    let status = [("when", "true"), ("deny_status", "200")];
    assert!(mistakes("authorize", texts(&status)).contains("not a refusal"));
}
