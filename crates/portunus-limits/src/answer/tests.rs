use std::time::Duration;

use super::*;

fn outcome(each: &[(u64, u64, u64)]) -> Outcome {
    let rate = |secs| Rate { count: 10, window: Duration::from_secs(secs) };
    let admission = |&(secs, remaining, retry_after_us): &(u64, u64, u64)| {
        let allowed = retry_after_us == 0;
        (rate(secs), Admission { allowed, remaining, retry_after_us, reset_us: 1 })
    };
    Outcome::of_all(each.iter().map(admission).collect())
}

#[test]
fn the_longest_wait_is_told_and_rounded_up() {
    assert_eq!(outcome(&[(1, 0, 1_000_001), (60, 5, 0)]).retry_after_s(), 2);
    assert_eq!(outcome(&[(1, 0, 1), (60, 0, 7_000_000)]).retry_after_s(), 7);
    assert_eq!(outcome(&[(1, 5, 0)]).retry_after_s(), 1);
}

#[test]
fn the_tightest_rate_is_found() {
    let tightest = |each| outcome(each).tightest().map(|(rate, _)| rate.window.as_secs());
    assert_eq!(tightest(&[(1, 7, 0), (60, 5, 0), (3600, 6, 0)]), Some(60));
    assert_eq!(tightest(&[(1, 0, 5), (60, 0, 9), (3600, 1, 0)]), Some(60));
    assert_eq!(tightest(&[]), None);
}

#[test]
fn names_stand_in_quotes() {
    assert!(is_name("default") && is_name("gold plan/2"));
    assert!(
        !is_name("") && !is_name("a\"b") && !is_name("a\\b") && !is_name("ä") && !is_name("a\n")
    );
}
