use super::*;
use portunus_base::hash_pair;
use proptest::prelude::{prop, prop_assert, proptest};

const KIB: u64 = 1024;

#[test]
fn a_burst_is_free_and_then_bytes_take_their_time() {
    let rate = PaceRate::new(100 * KIB, 10 * KIB);
    let mut stream = PacedStream::default();
    assert_eq!(stream.take(rate, 10 * KIB, Mono(0)), Duration::ZERO);
    assert_eq!(stream.take(rate, 10 * KIB, Mono(0)), Duration::from_millis(100));
    // Who waited as long may go on, and what was not used is not saved beyond the burst.
    assert_eq!(stream.take(rate, 0, Mono(100_000)), Duration::ZERO);
    assert_eq!(stream.take(rate, 20 * KIB, Mono(60_000_000)), Duration::from_millis(100));
}

#[test]
fn streams_of_a_key_share_its_pace() {
    let (pace, rate) = (Pace::new(100), PaceRate::new(1000, 0));
    let take = |number: u64, bytes| pace.take(hash_pair(number, 7), rate, bytes, Mono(0));
    assert_eq!(take(1, 500), Duration::from_millis(500));
    assert_eq!(take(1, 500), Duration::from_secs(1));
    assert_eq!(take(2, 500), Duration::from_millis(500));
}

#[test]
fn what_does_not_flow_is_given_back() {
    let (pace, rate) = (Pace::new(100), PaceRate::new(1000, 0));
    assert_eq!(pace.take(7, rate, 500, Mono(0)), Duration::from_millis(500));
    assert_eq!(pace.take(7, rate, 5000, Mono(0)), Duration::from_millis(5500));
    pace.give_back(7, rate, 5000);
    assert_eq!(pace.take(7, rate, 500, Mono(0)), Duration::from_secs(1));
    pace.give_back(7, rate, u64::MAX);
    assert_eq!(pace.take(7, rate, 500, Mono(0)), Duration::from_millis(500));
}

#[test]
fn extremes_are_bounded() {
    let slow = PaceRate::new(0, 0);
    let mut stream = PacedStream::default();
    assert!(stream.take(slow, u64::MAX, Mono::NEVER) <= Duration::from_nanos(SPAN_MAX_NS));
    assert!(stream.take(slow, u64::MAX, Mono::NEVER) <= Duration::from_nanos(SPAN_MAX_NS));
    let fast = PaceRate::new(u64::MAX, 0);
    assert!(PacedStream::default().take(fast, 1 << 40, Mono(0)) < Duration::from_micros(1));
}

proptest! {
    /// Who waits as told sends no faster than the rate, and hardly slower.
    #[test]
    fn the_rate_is_kept(
        rate in 1000u64..1_000_000_000,
        pieces in prop::collection::vec(1u64..65_536, 1..50),
    ) {
        let (mut stream, mut now, mut sent) = (PacedStream::default(), Mono(1), 0);
        for bytes in pieces {
            let wait = stream.take(PaceRate::new(rate, 0), bytes, now);
            now = Mono(now.after(wait).0 + 1);
            sent += bytes;
            let took_s = (now.0 - 1) as f64 / 1e6;
            prop_assert!(sent as f64 <= rate as f64 * took_s + 1.0);
        }
        let ideal_us = sent as f64 * 1e6 / rate as f64;
        prop_assert!(((now.0 - 1) as f64) < ideal_us + 101.0);
    }
}
