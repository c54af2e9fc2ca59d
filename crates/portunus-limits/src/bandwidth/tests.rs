use std::time::Duration;

use super::*;
use crate::tests::*;
use portunus_base::Mono;
use tokio::time::Instant;

/// How long a piece is held, and then sent.
async fn held(
    rig: &mut Rig,
    filter: &dyn Filter,
    exchange: &mut Exchange,
    bytes: usize,
) -> Duration {
    let start = Instant::now();
    let mut piece = vec![b'x'; bytes];
    match rig.piece(filter, exchange, false, &mut piece, false) {
        Verdict::Continue => {}
        Verdict::Suspend(wait) => assert!(matches!(wait.await, Resume::Continue(_))),
        other => panic!("{other:?}"),
    }
    assert_eq!(piece.len(), bytes);
    exchange.bytes.response += bytes as u64;
    let took = start.elapsed();
    rig.now = Mono(rig.now.0 + u64::try_from(took.as_micros()).unwrap());
    took
}

fn paced(per: &str, after: &str) -> std::sync::Arc<dyn Filter> {
    built("bandwidth", &[("rate", "100KB/s"), ("per", per), ("after", after), ("burst", "0B")][..])
}

#[tokio::test(start_paused = true)]
async fn bytes_take_their_time() {
    let filter = paced("client_ip", "0B");
    let (mut rig, mut exchange) = (Rig::new(), exchange("GET /"));
    assert!(passes(&mut rig, &*filter, &mut exchange));
    let mut total = Duration::ZERO;
    for _ in 0..20 {
        total += held(&mut rig, &*filter, &mut exchange, 10_000).await;
    }
    let expected = Duration::from_secs(2);
    assert!(total >= expected && total < expected + Duration::from_millis(40), "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn small_pieces_add_up() {
    let filter = paced("client_ip", "0B");
    let (mut rig, mut exchange) = (Rig::new(), exchange("GET /"));
    let mut total = Duration::ZERO;
    for _ in 0..1000 {
        total += held(&mut rig, &*filter, &mut exchange, 10).await;
    }
    assert!(total > Duration::from_millis(95), "{total:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_free_is_free() {
    let filter = paced("request", "25000B");
    let (mut rig, mut one, mut other) = (Rig::new(), exchange("GET /"), exchange("GET /"));
    assert!(passes(&mut rig, &*filter, &mut one) && passes(&mut rig, &*filter, &mut other));
    assert_eq!(held(&mut rig, &*filter, &mut one, 10_000).await, Duration::ZERO);
    assert_eq!(held(&mut rig, &*filter, &mut one, 10_000).await, Duration::ZERO);
    let took = held(&mut rig, &*filter, &mut one, 10_000).await;
    assert!(took >= Duration::from_millis(50) && took < Duration::from_millis(55), "{took:?}");
    // Each request has its own pace.
    assert_eq!(held(&mut rig, &*filter, &mut other, 10_000).await, Duration::ZERO);
}

#[test]
fn pieces_of_requests_are_counted_before_they_come_here() {
    let fields = [("rate", "1KB/s"), ("direction", "request"), ("after", "10B"), ("burst", "0B")];
    let filter = built("bandwidth", &fields[..]);
    let (mut rig, mut exchange) = (Rig::new(), exchange("PUT /"));
    let mut waits = |bytes: usize| {
        exchange.bytes.request += bytes as u64;
        let mut piece = vec![b'x'; bytes];
        let verdict = rig.piece(&*filter, &mut exchange, true, &mut piece, false);
        matches!(verdict, Verdict::Suspend(_))
    };
    assert_eq!([waits(10), waits(0), waits(10)], [false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn all_share_a_rate_without_per() {
    let filter = built("bandwidth", &[("rate", "100KB/s"), ("burst", "0B")][..]);
    let (mut rig, mut one, mut other) = (Rig::new(), exchange("GET /"), exchange("GET /"));
    other.client.ip = "192.0.2.9".parse().unwrap();
    let start = rig.now;
    assert!(held(&mut rig, &*filter, &mut one, 10_000).await >= Duration::from_millis(100));
    rig.now = start;
    assert!(held(&mut rig, &*filter, &mut other, 10_000).await >= Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_ends_early_takes_no_time_from_others() {
    let filter = built("bandwidth", &[("rate", "100KB/s"), ("burst", "0B")][..]);
    let (mut rig, mut one, mut other) = (Rig::new(), exchange("GET /"), exchange("GET /"));
    let start = rig.now;
    let mut piece = vec![b'x'; 1_000_000];
    let verdict = rig.piece(&*filter, &mut one, false, &mut piece, false);
    let Verdict::Suspend(wait) = verdict else { panic!("{verdict:?}") };
    drop(wait);
    rig.now = start;
    let took = held(&mut rig, &*filter, &mut other, 10_000).await;
    assert!(took < Duration::from_millis(105), "{took:?}");
}

#[test]
fn only_the_bodies_that_are_meant_are_looked_at() {
    let needs = |direction| {
        let filter = built("bandwidth", &[("rate", "1MiB/s"), ("direction", direction)][..]);
        let interest = filter.interest();
        (interest.request_body, interest.response_body)
    };
    assert_eq!(needs("response"), (BodyNeed::None, BodyNeed::Stream));
    assert_eq!(needs("request"), (BodyNeed::Stream, BodyNeed::None));
    assert_eq!(needs("both"), (BodyNeed::Stream, BodyNeed::Stream));
}

#[test]
fn mistakes_are_told() {
    for wrong in ["1MiB", "1/s", "0B/s", "fast/s"] {
        assert!(mistakes("bandwidth", wrong).contains("a rate of bytes"), "{wrong}");
    }
    assert_eq!(
        normal("bandwidth", "1MiB/s per connection").get("rate").unwrap(),
        &Node::text("1MiB/s")
    );
}
