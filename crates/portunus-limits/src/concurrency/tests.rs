use std::time::Duration;

use crate::tests::*;
use portunus_exchange::Exchange;
use portunus_filter::{Filter, Resume, Verdict};
use portunus_spec::Node;

#[test]
fn requests_hold_their_place_until_they_are_over() {
    let filter = built("concurrency", "2 per client_ip");
    let mut rig = Rig::new();
    let mut first = exchange("GET /");
    assert!(passes(&mut rig, &*filter, &mut first));
    assert!(passes(&mut rig, &*filter, &mut first));
    let refused = rig.request(&*filter, &mut exchange("GET /"));
    assert_eq!(shown(&refused), "429 limit.concurrency problem");
    assert_eq!(header(&reply(refused), "Retry-After"), Some("1"));
    let mut other = exchange("GET /");
    other.client.ip = "192.0.2.8".parse().unwrap();
    assert!(passes(&mut rig, &*filter, &mut other));
    first.clear();
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
    assert_eq!(rig.notes[2], "client_ip 192.0.2.7: 2 of 2 under way");
}

#[test]
fn what_all_share_is_shed() {
    let filter = built("concurrency", "1");
    let mut rig = Rig::new();
    let mut first = exchange("GET /");
    assert!(passes(&mut rig, &*filter, &mut first));
    assert_eq!(
        shown(&rig.request(&*filter, &mut exchange("GET /"))),
        "503 limit.concurrency problem"
    );
    drop(first);
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
}

#[test]
fn a_dry_run_and_explaining_hold_nobody_up() {
    let mut rig = Rig::new();
    let dry = built("concurrency", &[("max", "1"), ("dry_run", "true")][..]);
    let mut held = exchange("GET /");
    (0..3).for_each(|_| assert!(passes(&mut rig, &*dry, &mut held)));
    let filter = built("concurrency", "1");
    rig.offline = true;
    (0..3).for_each(|_| assert!(passes(&mut rig, &*filter, &mut held)));
}

fn queued(timeout: &str) -> std::sync::Arc<dyn Filter> {
    let queue = texts(&[("max", "1"), ("timeout", timeout)]);
    built("concurrency", [("max", Node::text("1")), ("queue", queue)])
}

async fn wait(
    rig: &mut Rig,
    filter: &dyn Filter,
    exchange: &mut Exchange,
    verdict: Verdict,
) -> Verdict {
    let Verdict::Suspend(wait) = verdict else { panic!("{verdict:?}") };
    let Resume::Again(_, again) = wait.await else { panic!() };
    rig.again(filter, exchange, again)
}

#[tokio::test(start_paused = true)]
async fn some_may_wait() {
    let filter = queued("10s");
    let (mut rig, mut first, mut second) = (Rig::new(), exchange("GET /"), exchange("GET /"));
    assert!(passes(&mut rig, &*filter, &mut first));
    let waiting = rig.request(&*filter, &mut second);
    // One place in the queue.
    assert_eq!(
        shown(&rig.request(&*filter, &mut exchange("GET /"))),
        "503 limit.concurrency problem"
    );
    let over = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        first.clear();
    };
    let (verdict, ()) = tokio::join!(wait(&mut rig, &*filter, &mut second, waiting), over);
    assert_eq!(shown(&verdict), "continue");
    assert!(matches!(rig.request(&*filter, &mut exchange("GET /")), Verdict::Suspend(_)));
    second.clear();
    assert!(passes(&mut rig, &*filter, &mut exchange("GET /")));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let filter = queued("5s");
    let (mut rig, mut first, mut second) = (Rig::new(), exchange("GET /"), exchange("GET /"));
    assert!(passes(&mut rig, &*filter, &mut first));
    let waiting = rig.request(&*filter, &mut second);
    let verdict = wait(&mut rig, &*filter, &mut second, waiting).await;
    assert_eq!(shown(&verdict), "503 limit.concurrency problem");
    // Who gives up makes room for the next.
    drop(rig.request(&*filter, &mut second));
    assert!(matches!(rig.request(&*filter, &mut second), Verdict::Suspend(_)));
}

#[test]
fn one_client_leaves_places_in_the_queue_to_others() {
    let (max, per) = (Node::text("1"), Node::text("client_ip"));
    let queue = texts(&[("max", "10"), ("timeout", "1m")]);
    let filter = built("concurrency", [("max", max), ("per", per), ("queue", queue)]);
    let (mut rig, mut first) = (Rig::new(), exchange("GET /"));
    assert!(passes(&mut rig, &*filter, &mut first));
    let _second = rig.request(&*filter, &mut exchange("GET /"));
    let third = rig.request(&*filter, &mut exchange("GET /"));
    assert_eq!(shown(&third), "429 limit.concurrency problem");
    let from_elsewhere = || {
        let mut other = exchange("GET /");
        other.client.ip = "192.0.2.8".parse().unwrap();
        other
    };
    let mut other = from_elsewhere();
    assert!(passes(&mut rig, &*filter, &mut other));
    let waits = rig.request(&*filter, &mut from_elsewhere());
    assert!(matches!(waits, Verdict::Suspend(_)), "{waits:?}");
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("concurrency", "0").contains("no request may ever pass"));
    assert!(mistakes("concurrency", "5 per nobody").contains("tells no clients apart"));
    assert!(mistakes("concurrency", "many").contains("not a whole number"));
}
