use std::thread;
use std::time::Duration;

use super::*;
use portunus_base::hash_pair;
use proptest::prelude::{prop_assert_eq, proptest};

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

fn day(days: u64) -> Wall {
    Wall(days * DAY_US)
}

#[test]
fn months_are_those_of_the_calendar() {
    // Days since 1970; the months since then, the days of it that are over, and those that are left.
    let known = [
        (0, (0, 0, 31)),         // 1970-01-01
        (58, (1, 27, 1)),        // 1970-02-28
        (59, (2, 0, 31)),        // 1970-03-01
        (364, (11, 30, 1)),      // 1970-12-31
        (789, (25, 28, 1)),      // 1972-02-29
        (11_016, (361, 28, 1)),  // 2000-02-29
        (20_781, (682, 23, 7)),  // 2026-11-24
        (47_540, (1561, 27, 1)), // 2100-02-28
        (47_541, (1562, 0, 31)), // 2100-03-01
    ];
    for (days, month) in known {
        assert_eq!(month_of(days), month, "day {days}");
    }
}

#[test]
fn a_quota_begins_anew_at_midnight_and_on_the_first() {
    for (period, last, next) in [(Period::Day, 3, 4), (Period::Month, 30, 31)] {
        let calendar = Calendar::new(period, 100);
        assert!(calendar.admit(key(1), 10, 9, day(last)).allowed);
        let refused = calendar.admit(key(1), 10, 2, day(last));
        assert_eq!(
            (refused.allowed, refused.remaining, refused.retry_after_us),
            (false, 1, DAY_US)
        );
        let late = Wall(day(next).0 - 1);
        assert_eq!(calendar.peek(key(1), 10, 2, late).retry_after_us, 1);
        assert_eq!(calendar.admit(key(1), 10, 2, day(next)).remaining, 8);
    }
}

#[test]
fn charges_refunds_and_limits_of_each_call() {
    let calendar = Calendar::new(Period::Day, 100);
    calendar.charge(key(1), 15, day(1));
    assert!(!calendar.admit(key(1), 10, 1, day(1)).allowed);
    assert!(calendar.admit(key(1), 20, 1, day(1)).allowed);
    calendar.refund(key(1), 10, day(1));
    assert_eq!(calendar.peek(key(1), 20, 0, day(1)).remaining, 14);
    calendar.refund(key(2), 10, day(1));
    calendar.charge(key(1), u64::MAX, day(1));
    assert!(!calendar.admit(key(1), u64::MAX, 1, day(1)).allowed);
}

#[test]
fn what_was_used_survives_a_restart() {
    let before = Calendar::new(Period::Month, 100);
    (1..50).for_each(|number| assert!(before.admit(key(number), 100, number, day(40)).allowed));
    let after = Calendar::new(Period::Month, 1000);
    let mut usages: Vec<_> = before.usages(day(41)).collect();
    assert_eq!(usages.len(), 49);
    usages.push(Usage { key: key(99), start: day(0), used: 7 });
    usages.into_iter().for_each(|usage| after.restore(usage, day(42)));
    for number in 1..50 {
        assert_eq!(after.peek(key(number), 100, 0, day(42)).remaining, 100 - number);
    }
    assert_eq!(after.peek(key(99), 100, 0, day(42)).remaining, 100);
    assert_eq!(before.usages(day(60)).count(), 0);
}

#[test]
fn rates_of_the_calendar_are_known() {
    let of = |secs| Period::of(Rate { count: 1, window: Duration::from_secs(secs) });
    assert_eq!(of(24 * 3600), Some(Period::Day));
    assert_eq!(of(30 * 24 * 3600), Some(Period::Month));
    assert_eq!(of(3600), None);
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_away() {
    let calendar = Calendar::new(Period::Day, 100);
    let midnight = day(10);
    let before = Wall(midnight.0 - 1);
    assert!(calendar.admit(key(1), 3, 2, midnight).allowed);
    assert!(!calendar.admit(key(1), 3, 2, before).allowed);
    assert!(calendar.admit(key(1), 3, 1, before).allowed);
    // It still counts when the day begins once more.
    assert_eq!(calendar.peek(key(1), 3, 0, midnight).remaining, 0);
    assert_eq!(calendar.peek(key(1), 3, 0, day(11)).remaining, 3);
    // What is further ahead is not believed.
    assert_eq!(calendar.peek(key(1), 3, 0, day(8)).remaining, 3);
}

#[test]
fn workers_together_count_exactly() {
    let calendar = Calendar::new(Period::Day, 100);
    let admit = |number| calendar.admit(key(number), 1000, 1, day(1)).allowed;
    let ask = || (0..8000).map(|at| u64::from(admit(at % 4))).sum::<u64>();
    let admitted: u64 = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(ask));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 4 * 1000);
}

proptest! {
    /// Months follow each other, and each is over when it says so.
    #[test]
    fn months_have_no_gaps(days in 0u64..80_000) {
        let (month, over, left) = month_of(days);
        prop_assert_eq!(month_of(days + left - 1), (month, over + left - 1, 1));
        prop_assert_eq!(month_of(days + left).0, month + 1);
        prop_assert_eq!(month_of(days + left).1, 0);
    }
}
