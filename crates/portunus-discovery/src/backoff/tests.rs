use super::*;

#[test]
fn waits_double_up_to_the_limit_and_start_again() {
    let (first, max) = (Duration::from_secs(1), Duration::from_secs(30));
    let mut backoff = Backoff::new(first, max, Rng::seeded(1));
    for step in [1, 2, 4, 8, 16, 30, 30].map(Duration::from_secs) {
        let wait = backoff.fail();
        assert!(step / 2 <= wait && wait <= step, "{wait:?} for {step:?}");
    }
    (0..100).for_each(|_| assert!(backoff.fail() <= max));
    assert_eq!(backoff.reset(), 107);
    assert!(backoff.fail() <= first);
}

#[test]
fn two_that_fail_together_do_not_return_together() {
    let wait = |seed| {
        let second = Duration::from_secs(1);
        Backoff::new(second, second, Rng::seeded(seed)).fail()
    };
    assert_ne!(wait(1), wait(2));
}
