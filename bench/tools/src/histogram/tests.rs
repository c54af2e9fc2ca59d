use super::{HIGHEST_US, Histogram, bucket, highest_us};

#[test]
fn a_bucket_holds_its_values_and_is_narrow() {
    let values = (1..5000).chain((12..32).flat_map(|bits| [(1 << bits) - 1, 1 << bits]));
    for value in values {
        let highest = highest_us(bucket(value));
        assert!(highest >= value, "{value} is above its bucket, {highest}");
        assert!(highest - value <= value / 64, "{value} is far below its bucket, {highest}");
    }
}

#[test]
fn buckets_follow_each_other_without_a_gap() {
    for at in 1..bucket(HIGHEST_US) {
        assert_eq!(bucket(highest_us(at)), at);
        assert_eq!(bucket(highest_us(at) + 1), at + 1);
    }
}

#[test]
fn what_is_too_long_counts_as_the_longest() {
    assert_eq!(bucket(u64::MAX), bucket(HIGHEST_US));
}

#[test]
fn only_buckets_that_hold_something_are_shown() {
    let mut histogram = Histogram::default();
    assert_eq!(histogram.json(), "[]");
    for value in [7, 7, 128] {
        histogram.record(value);
    }
    assert_eq!(histogram.json(), "[[7,2],[129,1]]");
}
