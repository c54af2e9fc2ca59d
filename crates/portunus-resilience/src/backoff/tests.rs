use std::collections::HashSet;

use super::*;

const RULE: BackoffRule =
    BackoffRule { first: Duration::from_millis(25), longest: Duration::from_millis(250) };

#[test]
fn each_retry_waits_from_half_of_its_most_to_all_of_it() {
    let mut rng = Rng::seeded(1);
    for (retry, most_ms) in [(0, 25), (1, 25), (2, 50), (3, 100), (4, 200), (5, 250), (99, 250)] {
        let most = Duration::from_millis(most_ms);
        let waits: Vec<_> = (0..1000).map(|_| RULE.wait(retry, &mut rng)).collect();
        assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)), "{retry}");
        let (least, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*least < most * 11 / 20 && *longest > most * 19 / 20, "{least:?} {longest:?}");
        assert!(waits.iter().collect::<HashSet<_>>().len() > 500);
    }
}

#[test]
fn no_wait_is_too_short_or_too_long_to_work_out() {
    let mut rng = Rng::seeded(1);
    let none = BackoffRule { first: Duration::ZERO, longest: Duration::ZERO };
    assert_eq!(none.wait(7, &mut rng), Duration::ZERO);
    let most = Duration::from_secs(u64::MAX);
    assert!(BackoffRule { first: most, longest: most }.wait(u32::MAX, &mut rng) > Duration::ZERO);
}

#[test]
fn failures_in_a_row_wait_longer_until_one_goes_well() {
    let rule = BackoffRule { first: Duration::from_secs(1), longest: Duration::from_secs(30) };
    let mut backoff = Backoff::new(rule, Rng::seeded(1));
    for step in [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs) {
        let wait = backoff.fail();
        assert!(step / 2 <= wait && wait <= step, "{wait:?} for {step:?}");
    }
    (0..100).for_each(|_| assert!(backoff.fail() <= rule.longest));
    assert_eq!(backoff.reset(), 107);
    assert!(backoff.fail() <= rule.first);
}

#[test]
fn two_that_fail_together_do_not_return_together() {
    let wait = |seed| {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(1));
        Backoff::new(BackoffRule { first, longest }, Rng::seeded(seed)).fail()
    };
    assert_ne!(wait(1), wait(2));
}
