use super::*;

#[test]
fn waits_grow_to_the_bound_and_start_again() {
    let mut backoff = Backoff::new(Duration::from_secs(1), Rng::seeded(7));
    for about_ms in [100, 200, 400, 800, 1000, 1000] {
        let wait = backoff.take().as_secs_f64() * 1e3 / f64::from(about_ms);
        assert!((0.75..=1.25).contains(&wait), "{wait} of {about_ms} ms");
    }
    backoff.reset();
    assert!(backoff.take() <= Duration::from_millis(125));
}
