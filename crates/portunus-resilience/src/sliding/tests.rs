use std::thread;
use std::time::Duration;

use super::*;
use portunus_base::hash_pair;
use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

const SECOND: Duration = Duration::from_secs(1);
const SECOND_US: u64 = 1_000_000;

fn sliding(count: u64, window: Duration) -> SlidingWindow {
    SlidingWindow::new(Window::new(Rate { count, window }).unwrap(), 1000)
}

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

#[test]
fn the_window_before_fades() {
    let sliding = sliding(10, SECOND);
    let admit = |cost, us| sliding.admit(key(1), cost, Mono(us));
    assert_eq!(admit(10, 0).remaining, 0);
    let refused = admit(1, 500_000);
    // In the next window, when a tenth of this one has faded.
    assert_eq!((refused.allowed, refused.retry_after_us), (false, 600_000));
    assert!(!admit(1, 1_099_999).allowed);
    assert!(admit(1, 1_100_000).allowed);
    assert_eq!(sliding.peek(key(1), 0, Mono(1_500_000)).remaining, 4);
    assert!(admit(4, 1_500_000).allowed);
    assert!(!admit(1, 1_500_001).allowed);
    assert_eq!(sliding.peek(key(1), 0, Mono(3_500_000)).remaining, 10);
}

#[test]
fn costs_charges_and_refunds() {
    let sliding = sliding(10, SECOND);
    assert!(!sliding.admit(key(1), 11, Mono(0)).allowed);
    assert!(sliding.admit(key(1), 0, Mono(0)).allowed);
    sliding.charge(key(1), 1_000_000, Mono(0));
    assert!(!sliding.admit(key(1), 1, Mono(0)).allowed);
    assert!(sliding.admit(key(2), 7, Mono(0)).allowed);
    sliding.refund(key(2), 5, Mono(0));
    assert_eq!(sliding.peek(key(2), 0, Mono(0)).remaining, 8);
    sliding.refund(key(3), 5, Mono(0));
    assert_eq!(sliding.peek(key(3), 0, Mono(0)).remaining, 10);
}

#[test]
fn a_clock_that_lags_counts_in_the_window_that_began() {
    let sliding = sliding(10, SECOND);
    assert!(sliding.admit(key(1), 6, Mono(SECOND_US)).allowed);
    assert!(!sliding.admit(key(1), 5, Mono(SECOND_US - 10)).allowed);
    assert!(sliding.admit(key(1), 4, Mono(SECOND_US - 10)).allowed);
    assert!(!sliding.admit(key(1), 1, Mono(SECOND_US)).allowed);
}

#[test]
fn windows_that_cannot_be_kept_are_told() {
    let of = |count, window| Window::new(Rate { count, window });
    assert_eq!(of(0, SECOND), Err(WindowError::Zero));
    assert_eq!(of(1, Duration::ZERO), Err(WindowError::Zero));
    assert_eq!(of(1, Duration::from_secs(400 * 24 * 3600)), Err(WindowError::Long));
    assert_eq!(of(1 << 40, SECOND), Err(WindowError::Many));
    assert!(of(1_000_000, Duration::from_secs(3600)).is_ok());
}

#[test]
fn workers_together_admit_exactly_the_limit() {
    for round in 0..100 {
        let sliding = sliding(5, SECOND);
        let admit = |number| sliding.admit(key(number), 1, Mono(0)).allowed;
        let ask = || (0..40).map(|at| u64::from(admit(at % 4))).sum::<u64>();
        let admitted: u64 = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(ask));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 4 * 5, "round {round}");
    }
}

proptest! {
    #[test]
    fn an_aligned_window_keeps_the_limit_and_any_other_twice(
        limit in 1u64..40,
        gaps in prop::collection::vec((0u64..300_000, 1u64..4), 1..200),
    ) {
        let sliding = sliding(limit, SECOND);
        let (mut now, mut passed) = (0, Vec::new());
        for (gap, cost) in gaps {
            now += gap;
            if sliding.admit(key(1), cost, Mono(now)).allowed {
                passed.push((now, cost));
            }
            let sum = |from: u64| {
                passed.iter().filter(|(at, _)| *at >= from).map(|(_, cost)| cost).sum::<u64>()
            };
            prop_assert!(sum(now / SECOND_US * SECOND_US) <= limit);
            prop_assert!(sum(now.saturating_sub(SECOND_US - 1)) < 2 * limit.max(2));
        }
    }

    #[test]
    fn what_is_told_is_true(limit in 1u64..20, first in 1u64..20, cost in 1u64..20, gap in 0u64..3_000_000) {
        let sliding = sliding(limit, SECOND);
        prop_assert_eq!(sliding.admit(key(1), first, Mono(0)).allowed, first <= limit);
        let answer = sliding.admit(key(1), cost, Mono(gap));
        if !answer.allowed && cost <= limit {
            let again = gap + answer.retry_after_us;
            prop_assert!(sliding.peek(key(1), cost, Mono(again)).allowed, "{answer:?}");
            prop_assert!(!sliding.peek(key(1), cost, Mono(again - 1)).allowed, "{answer:?}");
        }
        prop_assert_eq!(sliding.peek(key(1), 0, Mono(gap + answer.reset_us)).remaining, limit);
    }
}
