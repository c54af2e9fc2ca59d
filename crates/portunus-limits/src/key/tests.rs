use std::sync::Arc;

use super::*;
use crate::tests::*;
use portunus_identity::Identity;
use serde_json::json;

/// What a rate limit of so many parts says whom it is for.
fn shown_of(per: &str, prepare: impl Fn(&mut Exchange)) -> String {
    let filter = built("rate_limit", &[("rate", "9/s"), ("per", per)][..]);
    let (mut rig, mut exchange) = (Rig::new(), exchange("GET /orders/7?x=1"));
    prepare(&mut exchange);
    assert!(passes(&mut rig, &*filter, &mut exchange));
    let note = rig.notes.last().unwrap();
    note.split_once(": ").unwrap().0.to_owned()
}

#[test]
fn all_kinds_of_keys() {
    let prepare = |exchange: &mut Exchange| {
        exchange.request.headers.append(b"X-Tenant", b"acme");
        exchange.request.headers.append(b"Cookie", b"sid=s42");
        exchange.route_name = Some("orders".into());
        exchange.client.ip = "2001:db8::7".parse().unwrap();
        let claims = json!({"org": {"id": 7}}).as_object().unwrap().clone();
        exchange.identity = Some(Arc::new(Identity {
            method: "jwt",
            subject: "ann".into(),
            claims,
            ..Identity::default()
        }));
    };
    for (per, expected) in [
        ("client_ip", "client_ip 2001:db8::/64"),
        ("consumer", "consumer jwt:ann"),
        ("route", "route orders"),
        ("host", "host shop.example.com"),
        ("header:x-tenant", "header acme"),
        ("claim:org.id", "claim 7"),
        ("cookie:sid", "cookie s42"),
        ("param:id", "param 7"),
        ("{method} {path}", "template GET /orders/7"),
        ("header:X-None", "header missing"),
        ("claim:none", "claim missing"),
        ("connection", "connection 0.0.0.0:0"),
    ] {
        assert_eq!(shown_of(per, prepare), expected);
    }
    assert_eq!(
        shown_of("consumer", |it| it.identity = Some(identity("ann", &[], &[]))),
        "consumer =id-ann"
    );
    assert_eq!(shown_of("consumer", |_| {}), "consumer missing");
}

#[test]
fn expressions_are_keys() {
    let cel = |text: &str| {
        let mut bench = bench();
        let per = Node::map([("cel", Node::text(text))]);
        bench.build("rate_limit", Node::map([("rate", Node::text("1/h")), ("per", per)]))
    };
    let filter = cel("request.method + ' ' + client.ip").unwrap();
    let mut rig = Rig::new();
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    assert_eq!(rig.notes.last().unwrap(), "cel GET 192.0.2.7: 0 of 1/h left");
    assert!(passes(&mut rig, &*filter, &mut exchange("PUT /")));
    assert!(!passes(&mut rig, &*filter, &mut exchange("GET /")));
    assert!(cel("request.").is_err() && cel("[1]").is_err());
}

#[test]
fn parts_do_not_run_together() {
    let filter = built("rate_limit", "1/h per header:A, header:B");
    let mut rig = Rig::new();
    let mut ask = |a: &str, b: &str| {
        let mut exchange = exchange("GET /");
        exchange.request.headers.append(b"A", a.as_bytes());
        exchange.request.headers.append(b"B", b.as_bytes());
        passes(&mut rig, &*filter, &mut exchange)
    };
    assert!(ask("ab", "c") && ask("a", "bc") && ask("b", "ac"));
    assert!(!ask("ab", "c"));
}

#[test]
fn seeds_differ() {
    assert_ne!(random_seed(), random_seed());
    assert_eq!(process_seed(), process_seed());
}
