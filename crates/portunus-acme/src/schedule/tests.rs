use std::time::Duration;

use portunus_base::{Rng, Wall};
use proptest::prelude::*;

use super::{Life, Renewal, Window, backoff};

const DAY: u64 = 24 * 3600 * 1_000_000;
const LIFE: Life = Life { not_before: Wall(100 * DAY), not_after: Wall(190 * DAY) };

fn choose(window: Option<Window>, before: Option<Duration>, seed: u64) -> Renewal {
    Renewal::choose(LIFE, window, before, &mut Rng::seeded(seed))
}

proptest! {
    #[test]
    fn without_a_window_it_is_at_two_thirds_or_three_days_earlier(seed: u64) {
        let at = choose(None, None, seed).at.0;
        prop_assert!((157 * DAY..=160 * DAY).contains(&at), "{at}");
    }

    #[test]
    fn the_authoritys_window_counts_before_our_rule(seed: u64) {
        let window = Window { start: Wall(120 * DAY), end: Wall(122 * DAY) };
        let at = choose(Some(window), None, seed).at.0;
        prop_assert!((120 * DAY..122 * DAY).contains(&at), "{at}");
    }

    #[test]
    fn a_renewal_is_never_after_the_end(seed: u64, start: u64, end: u64, before: u32) {
        let window = Window { start: Wall(start), end: Wall(end) };
        prop_assert!(choose(Some(window), None, seed).at <= LIFE.not_after);
        let before = Duration::from_secs(u64::from(before));
        prop_assert!(choose(None, Some(before), seed).at <= LIFE.not_after);
    }

    #[test]
    fn waiting_grows_from_a_minute_to_six_hours(failures in 1u32..1000, seed: u64) {
        let wait = backoff(failures, &mut Rng::seeded(seed)).as_secs_f64();
        prop_assert!((48.0..=7.2 * 3600.0).contains(&wait), "{wait}");
    }
}

#[test]
fn each_failure_waits_longer_until_the_longest() {
    let wait = |failures| backoff(failures, &mut Rng::seeded(1)).as_secs_f64();
    let all: Vec<f64> = (1..=9).map(wait).collect();
    assert!(all.windows(2).all(|two| two[0] < two[1] * 0.999), "{all:?}");
    assert!((wait(10) - wait(1000)).abs() < 1.0);
}

#[test]
fn a_window_that_is_over_means_now() {
    let window = Window { start: Wall(101 * DAY), end: Wall(101 * DAY) };
    assert_eq!(choose(Some(window), None, 1).at, Wall(101 * DAY));
}

#[test]
fn the_moment_stays_while_the_window_does() {
    let window = |day| Some(Window { start: Wall(day * DAY), end: Wall((day + 2) * DAY) });
    let first = choose(window(120), None, 1);
    assert_eq!(first.moved(choose(window(120), None, 2)), first);
    let other = choose(window(110), None, 2);
    assert_eq!(first.moved(other), other);
}

#[test]
fn a_span_of_ones_own_is_kept() {
    let at = choose(None, Some(Duration::from_secs(30 * 24 * 3600)), 3).at.0;
    assert!((157 * DAY..=160 * DAY).contains(&at), "{at}");
    let longer_than_life = choose(None, Some(Duration::from_secs(1000 * 24 * 3600)), 3).at;
    assert!(longer_than_life <= LIFE.not_before);
}

#[test]
fn what_was_issued_just_now_is_not_renewed_at_once() {
    let hour = Wall(LIFE.not_before.0 + 3600 * 1_000_000);
    assert_eq!(LIFE.earliest_renewal(LIFE.not_before), hour);
    let short = Life { not_before: Wall(0), not_after: Wall(9_000_000) };
    assert_eq!(short.earliest_renewal(Wall(1_000_000)), Wall(4_000_000));
}
