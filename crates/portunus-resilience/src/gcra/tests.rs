use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use super::*;
use portunus_base::{Rate, hash_pair};
use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

fn quota(count: u64, window: Duration, burst: u32) -> Quota {
    Quota::new(Rate { count, window }, burst).unwrap()
}

fn table(count: u64, window: Duration, burst: u32) -> Gcra {
    Gcra::new(quota(count, window, burst), 1000, Mono(0))
}

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_burst_passes_and_then_the_rate() {
    let gcra = table(10, SECOND, 3);
    let at = |us| gcra.admit(key(1), 1, Mono(us));
    assert_eq!([at(0), at(0), at(0)].map(|admission| admission.remaining), [2, 1, 0]);
    let refused = at(0);
    assert!(!refused.allowed);
    assert_eq!((refused.retry_after_us, refused.reset_us), (100_000, 300_000));
    assert!(!at(99_999).allowed);
    assert!(at(100_000).allowed);
    assert!(!at(100_001).allowed);
    // Keys do not know of each other.
    assert!(gcra.admit(key(2), 3, Mono(100_001)).allowed);
}

#[test]
fn costs_count_and_what_is_too_dear_never_passes() {
    let gcra = table(10, SECOND, 5);
    assert!(gcra.admit(key(1), 4, Mono(0)).allowed);
    assert!(!gcra.admit(key(1), 2, Mono(0)).allowed);
    assert!(gcra.admit(key(1), 1, Mono(0)).allowed);
    assert!(!gcra.admit(key(2), 6, Mono(0)).allowed);
    assert!(!gcra.admit(key(2), u32::MAX, Mono(0)).allowed);
    assert!(gcra.admit(key(3), 0, Mono(0)).allowed);
}

#[test]
fn a_peek_takes_nothing() {
    let gcra = table(1, SECOND, 1);
    assert!(gcra.peek(key(1), 1, Mono(0)).allowed);
    assert_eq!(gcra.peek(key(1), 1, Mono(0)).remaining, 1);
    assert!(gcra.admit(key(1), 1, Mono(0)).allowed);
    assert!(!gcra.peek(key(1), 1, Mono(0)).allowed);
}

#[test]
fn quotas_that_cannot_be_kept_are_told() {
    let of = |count, window, burst| Quota::new(Rate { count, window }, burst).unwrap_err();
    assert_eq!(of(0, SECOND, 1), GcraSpecError::Zero);
    assert_eq!(of(1, SECOND, 0), GcraSpecError::Zero);
    assert_eq!(of(1, Duration::ZERO, 1), GcraSpecError::Zero);
    assert_eq!(of(1, SECOND, 1 << 30), GcraSpecError::Burst);
    assert_eq!(of(1_000_001, SECOND, 1), GcraSpecError::Rate);
    assert_eq!(of(1, Duration::from_secs(400 * 24 * 3600), 1), GcraSpecError::Rate);
}

#[test]
fn a_key_costs_little_memory() {
    let gcra = Gcra::new(quota(1, SECOND, 1), 1_000_000, Mono(0));
    assert!(gcra.bytes() / 1_000_000 < 24, "{}", gcra.bytes());
}

#[test]
fn a_full_table_forgets_the_budget_that_is_nearly_whole() {
    let gcra = Gcra::new(quota(1, SECOND, 100), 1, Mono(0));
    // One bucket: eight keys fit. Key 0 has taken least.
    for number in 0..8 {
        let cost = u32::try_from(number).unwrap() + 1;
        assert!(gcra.admit(key(number), cost, Mono(0)).allowed);
    }
    assert_eq!((gcra.keys(Mono(0)), gcra.forgotten()), (8, 0));
    assert!(gcra.admit(key(8), 50, Mono(0)).allowed);
    assert_eq!((gcra.keys(Mono(0)), gcra.forgotten()), (8, 1));
    assert_eq!(gcra.peek(key(7), 0, Mono(0)).remaining, 92);
    assert_eq!(gcra.peek(key(0), 0, Mono(0)).remaining, 100);
    // Once it is whole again, a budget is no loss.
    assert!(gcra.admit(key(9), 1, Mono(10_000_000)).allowed);
    assert_eq!(gcra.forgotten(), 1);
}

#[test]
fn a_sweep_clears_what_is_whole() {
    let gcra = table(1_000_000, SECOND, 10);
    (0..500).for_each(|number| assert!(gcra.admit(key(number), 10, Mono(0)).allowed));
    gcra.sweep(Mono(5));
    assert!(!gcra.peek(key(1), 10, Mono(5)).allowed);
    // Ticks come round after 2^32 / 16 us; without the sweep old times would stand in the future.
    assert!(gcra.sweep_every_us() > 60_000_000);
    gcra.sweep(Mono(20));
    for us in [20, 134_217_728, 268_435_440, 268_435_456, 268_435_460] {
        assert_eq!(gcra.peek(key(1), 0, Mono(us)).remaining, 10, "after {us} us");
    }
}

#[test]
fn a_clock_that_lags_admits_no_more() {
    let gcra = table(1_000_000, SECOND, 1);
    assert!(gcra.admit(key(1), 1, Mono(50_000)).allowed);
    // Another worker still has the time of 50 ms ago.
    assert!(!gcra.admit(key(1), 1, Mono(0)).allowed);
}

#[test]
fn nothing_is_allocated() {
    let gcra = table(1000, SECOND, 100);
    let run = || {
        for number in 0..1000 {
            let _ = gcra.admit(key(number % 300), 1, Mono(number * 10));
        }
    };
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

/// Many threads, few keys, no time that passes: exactly the burst passes.
#[test]
fn workers_together_admit_exactly_the_burst() {
    const THREADS: usize = 4;
    for round in 0..300 {
        let burst = 1 + round % 7;
        let gcra = table(1, Duration::from_secs(3600), burst);
        let start = Barrier::new(THREADS);
        let admitted: u32 = thread::scope(|scope| {
            let ask = || {
                start.wait();
                let keys = (0..3u64).flat_map(|number| [number; 8]);
                keys.map(|number| u32::from(gcra.admit(key(number), 1, Mono(0)).allowed))
                    .sum::<u32>()
            };
            let threads = [(); THREADS].map(|()| scope.spawn(ask));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
        });
        assert_eq!(admitted, 3 * burst, "round {round}");
    }
}

/// The algorithm as it is written down, with one real number a key.
#[derive(Default)]
struct Model {
    whole_at: f64,
}

impl Model {
    fn admit(&mut self, cost: u32, now_us: u64, interval_us: f64, burst: u32) -> bool {
        let from = self.whole_at.max(now_us as f64);
        let until = from + f64::from(cost) * interval_us;
        let fits = until - now_us as f64 <= f64::from(burst) * interval_us;
        if fits {
            self.whole_at = until;
        }
        fits
    }
}

proptest! {
    /// Never more than the burst and what the rate allows since; never much less than the algorithm allows.
    #[test]
    fn the_quota_is_kept(
        count in 1u64..2000,
        window_ms in 1u64..100_000,
        burst in 1u32..50,
        gaps in prop::collection::vec((0u64..50_000, 1u32..4), 1..200),
    ) {
        let window = Duration::from_millis(window_ms.max(count.div_ceil(1000)));
        let gcra = table(count, window, burst);
        let interval_us = window.as_micros() as f64 / count as f64;
        let (mut now, mut admitted, mut model) = (0, 0u64, Model::default());
        let mut generous = 0u64;
        for (gap, cost) in gaps {
            now += gap;
            if gcra.admit(key(1), cost, Mono(now)).allowed {
                admitted += u64::from(cost);
            }
            if model.admit(cost, now, interval_us, burst) {
                generous += u64::from(cost);
            }
            let bound = f64::from(burst) + now as f64 / interval_us;
            prop_assert!(admitted as f64 <= bound + 1e-6, "{admitted} of {bound} at {now}");
        }
        // Rounding costs a part of one request in each interval, never a whole one for long.
        prop_assert!(generous <= admitted + admitted / 8 + u64::from(burst) + 3);
    }

    #[test]
    fn what_is_told_is_true(burst in 1u32..20, cost in 1u32..20, gap in 0u64..3_000_000) {
        let gcra = table(7, SECOND, burst);
        let first = gcra.admit(key(1), cost, Mono(0));
        prop_assert_eq!(first.allowed, cost <= burst);
        let second = gcra.admit(key(1), cost, Mono(gap));
        if !second.allowed && cost <= burst {
            let again = Mono(gap + second.retry_after_us);
            prop_assert!(gcra.peek(key(1), cost, again).allowed, "{second:?}");
            if second.retry_after_us > 10_000 {
                prop_assert!(!gcra.peek(key(1), cost, Mono(again.0 - 10_000)).allowed);
            }
        }
        let whole = Mono(gap + second.reset_us + 1);
        prop_assert_eq!(gcra.peek(key(1), 0, whole).remaining, burst);
    }
}
