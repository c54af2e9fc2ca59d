use crate::tests::*;
use portunus_base::{Rate, Wall};
use portunus_spec::Node;
use std::time::Duration;

const DAY_US: u64 = 24 * 3_600_000_000;
/// 2027-01-15.
const DAY: u64 = 20_833;

fn rig_at(us: u64) -> Rig {
    Rig { wall: Wall(us), ..Rig::new() }
}

#[test]
fn a_quota_is_kept_until_midnight() {
    let filter = built("quota", "2/d per client_ip");
    let mut rig = rig_at(DAY * DAY_US + DAY_US - 90_500_000);
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    let mut exchange_3 = exchange("GET /");
    let verdict = rig.request(&*filter, &mut exchange_3);
    assert_eq!(shown(&verdict), "429 limit.quota problem");
    assert_eq!(header(&reply(verdict), "Retry-After"), Some("91"));
    let told = "RateLimit-Policy: \"default\";q=2;w=86400; RateLimit: \"default\";r=0;t=91";
    assert_eq!(lines(&exchange_3.response_extra), told);
    rig.wall = Wall((DAY + 1) * DAY_US);
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
}

#[test]
fn days_and_months_must_both_hold() {
    let filter = built("quota", [("limit", list(&["2/d", "3/month"])), ("per", list(&[]))]);
    let mut rig = rig_at(DAY * DAY_US);
    let mut day = |day, expected: [bool; 3]| {
        rig.wall = Wall(day * DAY_US);
        let asked = [(); 3].map(|()| passes(&mut rig, &*filter, &mut exchange("GET /")));
        assert_eq!(asked, expected);
    };
    day(DAY, [true, true, false]);
    day(DAY + 1, [true, false, false]);
    day(DAY + 2, [false; 3]);
    // February.
    day(DAY + 17, [true, true, false]);
}

#[test]
fn plans_have_quotas_of_their_own() {
    let filter = built("quota", "plan");
    let mut rig = rig_at(DAY * DAY_US);
    let quota = Rate { count: 1, window: Duration::from_secs(30 * 24 * 3600) };
    let mut ask = |who: Option<&str>| {
        let mut exchange = exchange("GET /");
        exchange.identity = who.map(|name| identity(name, &[], &[quota]));
        passes(&mut rig, &*filter, &mut exchange)
    };
    assert!(ask(Some("ann")) && !ask(Some("ann")) && ask(Some("bob")));
    assert!(!ask(None));
}

#[test]
fn a_dry_run_and_explaining_take_nothing_away() {
    let mut rig = rig_at(DAY * DAY_US);
    let dry = built("quota", &[("limit", "1/d"), ("dry_run", "true")][..]);
    (0..3).for_each(|_| assert!(passes(&mut rig, &*dry, &mut exchange("GET /"))));
    let filter = built("quota", "1/d");
    rig.offline = true;
    (0..3).for_each(|_| assert!(passes(&mut rig, &*filter, &mut exchange("GET /"))));
    assert_eq!(rig.notes.last().unwrap(), "consumer missing: 1 of 1/d left");
}

#[test]
fn what_was_used_outlives_a_change_of_the_limit() {
    let mut bench = bench();
    let mut rig = rig_at(DAY * DAY_US);
    let small = bench.build("quota", texts(&[("limit", "1/d"), ("name", "a")])).unwrap();
    assert!(passes(&mut rig, &*small, &mut exchange("GET /")));
    assert!(!passes(&mut rig, &*small, &mut exchange("GET /")));
    let large = bench.build("quota", texts(&[("limit", "2/d"), ("name", "a")])).unwrap();
    assert!(passes(&mut rig, &*large, &mut exchange("GET /")));
    assert!(!passes(&mut rig, &*large, &mut exchange("GET /")));
    assert_eq!(bench.tasks.len(), 2);
    assert!(std::sync::Arc::ptr_eq(&bench.tasks[0], &bench.tasks[1]));
}

#[test]
fn mistakes_are_told() {
    for (node, expected) in [
        (Node::text("100/s"), "`100/s` is no quota"),
        (Node::text("0/d"), "is no quota"),
        (Node::map([("limit", list(&["1/d", "2/d"]))]), "same window"),
        (Node::map([("limit", list(&[]))]), "no limit"),
    ] {
        let told = bench().mistakes("quota", node.clone());
        assert!(told.contains(expected), "{node:?}: {told}");
    }
}

#[test]
fn nothing_is_allocated() {
    let filter = built("quota", "1000000/d per client_ip");
    assert_eq!(allocations(&*filter, |_| {}), 0);
}
