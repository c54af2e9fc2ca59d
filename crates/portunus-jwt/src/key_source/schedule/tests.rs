use super::*;
use portunus_base::Rng;
use proptest::prelude::*;

fn said(values: &[&str]) -> Option<u64> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(CACHE_CONTROL, value.parse().unwrap());
    }
    lifetime(&headers).map(|lifetime| lifetime.as_secs())
}

#[test]
fn the_answer_says_how_long_it_holds() {
    assert_eq!(said(&[]), None);
    assert_eq!(said(&["public, max-age=3600"]), Some(3600));
    assert_eq!(said(&["Max-Age=\"60\", must-revalidate"]), Some(60));
    assert_eq!(said(&["public", "max-age=5"]), Some(5));
    assert_eq!(said(&["max-age=x"]), Some(0));
    assert_eq!(said(&["max-age=3600, no-store"]), Some(0));
    assert_eq!(said(&["immutable"]), None);
}

proptest! {
    #[test]
    fn refreshes_are_within_bounds(seconds in prop::option::of(any::<u64>()), seed: u64) {
        let lifetime = seconds.map(Duration::from_secs);
        let pause = until_refresh(lifetime, &mut Rng::seeded(seed));
        prop_assert!(pause >= LIFETIME_MIN.mul_f64(0.9) && pause <= LIFETIME_MAX);
        if let Some(said) = lifetime.filter(|said| *said >= LIFETIME_MIN) {
            prop_assert!(pause <= said);
        }
    }
}
