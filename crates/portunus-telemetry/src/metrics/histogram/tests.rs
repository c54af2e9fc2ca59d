use proptest::prelude::*;

use super::{BOUNDS_TEXT, BOUNDS_US, BUCKETS, bucket};

fn by_search(us: u64) -> usize {
    BOUNDS_US.iter().position(|&bound| us <= bound).unwrap_or(BUCKETS - 1)
}

#[test]
fn bounds_are_inclusive() {
    for bound in BOUNDS_US {
        for us in [bound - 1, bound, bound + 1] {
            assert_eq!(bucket(us), by_search(us), "{us}");
        }
    }
    assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
}

#[test]
fn texts_are_the_bounds() {
    for (text, us) in BOUNDS_TEXT.iter().zip(BOUNDS_US) {
        assert_eq!((text.parse::<f64>().unwrap() * 1e6).round() as u64, us);
    }
}

proptest! {
    #[test]
    fn the_bucket_is_the_one_that_a_search_finds(us in 0u64..100_000_000) {
        prop_assert_eq!(bucket(us), by_search(us));
    }
}
