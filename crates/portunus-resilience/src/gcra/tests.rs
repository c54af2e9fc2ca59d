use std::sync::Barrier;
use std::thread;

use super::*;
use portunus_base::hash_pair;
use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

fn budget(count: u64, window: Duration, burst: u64) -> Budget {
    Budget::new(Rate { count, window }, burst).unwrap()
}

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_burst_passes_and_then_the_rate() {
    let (gcra, budget) = (Gcra::new(1000), budget(10, SECOND, 3));
    let at = |us| gcra.admit(key(1), &budget, 1, Mono(us));
    assert_eq!([at(0), at(0), at(0)].map(|admission| admission.remaining), [2, 1, 0]);
    let refused = at(0);
    assert!(!refused.allowed);
    assert_eq!((refused.retry_after_us, refused.reset_us), (100_000, 300_000));
    assert!(!at(99_999).allowed);
    assert!(at(100_000).allowed);
    assert!(!at(100_001).allowed);
    // Keys do not know of each other.
    assert!(gcra.admit(key(2), &budget, 3, Mono(100_001)).allowed);
}

#[test]
fn costs_count_and_what_is_too_dear_never_passes() {
    let (gcra, budget) = (Gcra::new(1000), budget(10, SECOND, 5));
    let admit = |number, cost| gcra.admit(key(number), &budget, cost, Mono(0)).allowed;
    assert!(admit(1, 4));
    assert!(!admit(1, 2));
    assert!(admit(1, 1));
    assert!(!admit(2, 6));
    assert!(!admit(2, u64::MAX));
    assert!(admit(3, 0));
}

#[test]
fn a_peek_takes_nothing() {
    let (gcra, budget) = (Gcra::new(1000), budget(1, SECOND, 1));
    let peek = || gcra.peek(key(1), &budget, 1, Mono(0));
    assert_eq!((peek().allowed, peek().remaining), (true, 1));
    assert!(gcra.admit(key(1), &budget, 1, Mono(0)).allowed);
    assert!(!peek().allowed);
}

#[test]
fn a_charge_may_make_debts_and_a_refund_undoes() {
    let (gcra, budget) = (Gcra::new(1000), budget(10, SECOND, 5));
    gcra.charge(key(1), &budget, 15, Mono(0));
    let refused = gcra.admit(key(1), &budget, 1, Mono(0));
    assert_eq!((refused.allowed, refused.remaining, refused.retry_after_us), (false, 0, 1_100_000));
    gcra.refund(key(1), &budget, 11);
    assert_eq!(gcra.peek(key(1), &budget, 1, Mono(0)).remaining, 1);
    // Debts end some day, and nothing is owed to those who have taken nothing.
    gcra.charge(key(1), &budget, u64::MAX, Mono(0));
    assert!(gcra.peek(key(1), &budget, 1, Mono(367 * 24 * 3_600_000_000)).allowed);
    gcra.refund(key(2), &budget, 5);
    assert_eq!(gcra.peek(key(2), &budget, 1, Mono(0)).remaining, 5);
}

#[test]
fn budgets_that_cannot_be_kept_are_told() {
    let of = |count, window, burst| Budget::new(Rate { count, window }, burst).unwrap_err();
    assert_eq!(of(0, SECOND, 1), BudgetError::Zero);
    assert_eq!(of(1, SECOND, 0), BudgetError::Zero);
    assert_eq!(of(1, Duration::ZERO, 1), BudgetError::Zero);
    assert_eq!(of(1, SECOND, 1 << 31), BudgetError::Burst);
    assert_eq!(of(1_000_001, SECOND, 1), BudgetError::Rate);
    assert_eq!(of(1, Duration::from_secs(400 * 24 * 3600), 1), BudgetError::Rate);
}

#[test]
fn a_full_table_forgets_the_budget_that_is_nearly_whole() {
    let (gcra, budget) = (Gcra::new(1), budget(1, SECOND, 100));
    // One bucket: eight keys fit. Key 0 has taken least.
    let admit = |number, cost, us| gcra.admit(key(number), &budget, cost, Mono(us)).allowed;
    (0..8).for_each(|number| assert!(admit(number, number + 1, 0)));
    assert_eq!((gcra.keys(Mono(0)), gcra.forgotten()), (8, 0));
    assert!(admit(8, 50, 0));
    assert_eq!((gcra.keys(Mono(0)), gcra.forgotten()), (8, 1));
    let remaining = |number| gcra.peek(key(number), &budget, 0, Mono(0)).remaining;
    assert_eq!((remaining(7), remaining(0)), (92, 100));
    // Once it is whole again, a budget is no loss.
    assert!(admit(9, 1, 10_000_000));
    assert_eq!(gcra.forgotten(), 1);
}

#[test]
fn a_clock_that_lags_admits_no_more() {
    let (gcra, budget) = (Gcra::new(1000), budget(1_000_000, SECOND, 1));
    assert!(gcra.admit(key(1), &budget, 1, Mono(50_000)).allowed);
    // Another worker still has the time of 50 ms ago.
    assert!(!gcra.admit(key(1), &budget, 1, Mono(0)).allowed);
}

#[test]
fn nothing_is_allocated() {
    let (gcra, budget) = (Gcra::new(1000), budget(1000, SECOND, 100));
    let run = || {
        for number in 0..1000 {
            let _ = gcra.admit(key(number % 300), &budget, 1, Mono(number * 10));
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
        let (gcra, budget) = (Gcra::new(1000), budget(1, HOUR, burst));
        let start = Barrier::new(THREADS);
        let admitted: u64 = thread::scope(|scope| {
            let ask = || {
                start.wait();
                let keys = (0..3u64).flat_map(|number| [number; 8]);
                let admit = |number| gcra.admit(key(number), &budget, 1, Mono(0)).allowed;
                keys.map(|number| u64::from(admit(number))).sum::<u64>()
            };
            let threads = [(); THREADS].map(|()| scope.spawn(ask));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
        });
        assert_eq!(admitted, 3 * burst, "round {round}");
    }
}

/// A million keys, two workers: not one request too many, and not one too few.
#[test]
fn a_million_keys_are_exact_on_two_workers() {
    const KEYS: u64 = 1_000_000;
    let (gcra, budget) = (Gcra::new(KEYS as usize), budget(1, HOUR, 2));
    let admitted: u64 = thread::scope(|scope| {
        let ask = || {
            let admit = |number| gcra.admit(key(number), &budget, 1, Mono(0)).allowed;
            let keys = (0..KEYS).flat_map(|number| [number; 2]);
            keys.map(|number| u64::from(admit(number))).sum::<u64>()
        };
        let threads = [(); 2].map(|()| scope.spawn(ask));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
    });
    assert_eq!((admitted, gcra.forgotten()), (2 * KEYS, 0));
    assert!(gcra.bytes() as u64 / KEYS < 150);
}

#[test]
#[ignore = "prints how long it takes"]
fn how_long_it_takes() {
    use portunus_base::{Clock, SystemClock};
    for keys in [1, 1000, 1_000_000] {
        let (gcra, budget) = (Gcra::new(1_000_000), budget(1000, SECOND, 1000));
        let pass = || {
            let times = 0..keys.max(100_000);
            times
                .fold(0, |sum, at| sum + gcra.admit(key(at % keys), &budget, 1, Mono(at)).remaining)
        };
        pass();
        let start = SystemClock.mono();
        assert!(pass() > 0);
        let took_us = SystemClock.mono().since_us(start);
        println!("{keys} keys: {} ns", took_us * 1000 / keys.max(100_000));
    }
}

/// The algorithm as it is written down, with one real number a key.
#[derive(Default)]
struct Model {
    whole_at: f64,
}

impl Model {
    fn admit(&mut self, cost: u64, now_us: u64, interval_us: f64, burst: u64) -> bool {
        let from = self.whole_at.max(now_us as f64);
        let until = from + cost as f64 * interval_us;
        let fits = until - now_us as f64 <= burst as f64 * interval_us;
        if fits {
            self.whole_at = until;
        }
        fits
    }
}

proptest! {
    /// Never more than the burst and what the rate allows since; never much less than the algorithm allows.
    #[test]
    fn the_budget_is_kept(
        count in 1u64..2000,
        window_ms in 1u64..100_000,
        burst in 1u64..50,
        gaps in prop::collection::vec((0u64..50_000, 1u64..4), 1..200),
    ) {
        let window = Duration::from_millis(window_ms.max(count.div_ceil(1000)));
        let (gcra, budget) = (Gcra::new(1000), budget(count, window, burst));
        let interval_us = window.as_micros() as f64 / count as f64;
        let (mut now, mut admitted, mut model) = (0, 0u64, Model::default());
        let mut generous = 0u64;
        for (gap, cost) in gaps {
            now += gap;
            if gcra.admit(key(1), &budget, cost, Mono(now)).allowed {
                admitted += cost;
            }
            if model.admit(cost, now, interval_us, burst) {
                generous += cost;
            }
            let bound = burst as f64 + now as f64 / interval_us;
            prop_assert!(admitted as f64 <= bound + 1e-6, "{admitted} of {bound} at {now}");
        }
        prop_assert!(generous <= admitted + admitted / 100 + 4);
    }

    #[test]
    fn what_is_told_is_true(burst in 1u64..20, cost in 1u64..20, gap in 0u64..3_000_000) {
        let (gcra, budget) = (Gcra::new(1000), budget(7, SECOND, burst));
        let first = gcra.admit(key(1), &budget, cost, Mono(0));
        prop_assert_eq!(first.allowed, cost <= burst);
        let second = gcra.admit(key(1), &budget, cost, Mono(gap));
        if !second.allowed && cost <= burst {
            let again = Mono(gap + second.retry_after_us);
            prop_assert!(gcra.peek(key(1), &budget, cost, again).allowed, "{second:?}");
            if second.retry_after_us > 1 {
                let early = Mono(again.0 - 2);
                prop_assert!(!gcra.peek(key(1), &budget, cost, early).allowed);
            }
        }
        let whole = Mono(gap + second.reset_us);
        prop_assert_eq!(gcra.peek(key(1), &budget, 0, whole).remaining, burst);
    }
}
