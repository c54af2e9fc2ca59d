use std::time::Duration;

use portunus_filter::{Resume, Verdict};
use portunus_spec::Node;

use crate::tests::*;

fn abort(share: &str) -> Node {
    Node::map([("abort", texts(&[("status", "503"), ("share", share)]))])
}

#[test]
fn a_share_of_the_requests_is_aborted() {
    for (share, from, to) in [("100%", 1000, 1000), ("0%", 0, 0), ("10%", 60, 140)] {
        let filter = build("fault", abort(share)).unwrap();
        let mut rig = Rig::new();
        let mut one = || shown(&rig.request(&*filter, &mut exchange("GET /")));
        let aborted = (0..1000).filter(|_| one() == "503 fault.abort problem").count();
        assert!((from..=to).contains(&aborted), "{share}: {aborted}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_on_after_its_delay_or_is_aborted_then() {
    for (abort, expected) in [("0%", "continue"), ("100%", "503 fault.abort problem")] {
        let abort = texts(&[("status", "503"), ("share", abort)]);
        let node = Node::map([("delay", Node::text("2s")), ("abort", abort)]);
        let filter = build("fault", node).unwrap();
        let (mut rig, mut exchange) = (Rig::new(), exchange("GET /"));
        let begun = tokio::time::Instant::now();
        let Verdict::Suspend(wait) = rig.request(&*filter, &mut exchange) else { panic!() };
        let Resume::Again(_, again) = wait.await else { panic!() };
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
        assert_eq!(shown(&rig.again(&*filter, &mut exchange, again)), expected);
    }
}

#[test]
fn only_requests_that_are_meant_meet_a_fault() {
    let when = Node::text(r#"request.headers["x-fault"] == "on""#);
    let filter = build("fault", Node::map([("abort", Node::text("500")), ("when", when)])).unwrap();
    let (mut rig, mut plain) = (Rig::new(), exchange("GET /"));
    assert_eq!(shown(&rig.request(&*filter, &mut plain)), "continue");
    plain.request.headers.append(b"X-Fault", b"on");
    assert_eq!(shown(&rig.request(&*filter, &mut plain)), "500 fault.abort problem");
}

#[test]
fn explain_is_told_and_meets_none() {
    let filter = build("fault", abort("1%")).unwrap();
    let mut rig = Rig { offline: true, ..Rig::new() };
    assert_eq!(shown(&rig.request(&*filter, &mut exchange("GET /"))), "continue");
    assert_eq!(rig.notes, ["answers 1% of requests with 503"]);
}

#[test]
fn requests_that_are_let_be_cost_no_allocation() {
    let filter = build("fault", abort("0%")).unwrap();
    let count = allocations(&*filter, &mut exchange("GET /"), |exchange| {
        exchange.request.set_method(b"GET");
    });
    assert_eq!(count, 0);
}

#[test]
fn mistakes_are_told() {
    let of = |entries: &[(&str, &str)]| mistakes("fault", texts(entries));
    assert!(of(&[]).contains("`fault` does nothing"));
    assert!(of(&[("abort", "200")]).contains("not an error"));
    assert!(of(&[("delay", "11m")]).contains("longer than a request may be held up"));
    assert!(of(&[("abort", "503"), ("when", "nope.nope")]).contains("nope"));
}
