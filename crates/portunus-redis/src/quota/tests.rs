use proptest::prelude::*;

use super::*;

fn parts(count: u64, period_us: u64, burst: u64) -> (u64, u64, u64) {
    let parts = Parts::new(count, period_us, burst).unwrap();
    (parts.cost, parts.heal, parts.room)
}

#[test]
fn usual_rates_are_exact() {
    assert_eq!(parts(100, 1_000_000, 100), (10_000, 1, 1_000_000));
    assert_eq!(parts(3, 1_000_000, 5), (1_000_000, 3, 5_000_000));
    assert_eq!(parts(2_000_000, 1_000_000, 10), (1, 2, 10));
    // A million in thirty days.
    assert_eq!(parts(1_000_000, 2_592_000_000_000, 1_000_000).0, 2_592_000);
}

#[test]
fn what_makes_no_quota_is_refused() {
    assert_eq!(SharedQuota::new(&[]), Err(SharedQuotaError::Rates));
    assert_eq!(SharedQuota::new(&[(1, 1, 1); 9]), Err(SharedQuotaError::Rates));
    for zero in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
        assert_eq!(SharedQuota::new(&[zero]), Err(SharedQuotaError::Zero));
    }
    assert_eq!(SharedQuota::new(&[(1, u64::MAX, 9)]), Err(SharedQuotaError::TooLong));
}

#[test]
fn a_batch_is_a_hundredth_of_the_burst_unless_it_is_chosen() {
    let of = |burst| SharedQuota::new(&[(burst, 1_000_000, burst), (9_000_000, 1, 9_000_000)]);
    assert_eq!([50, 700, 5_000_000].map(|burst| of(burst).unwrap().batch()), [1, 7, 1000]);
    assert_eq!(of(50).unwrap().with_batch(20).batch(), 20);
    assert_eq!(of(50).unwrap().with_batch(2000).batch(), 50);
}

proptest! {
    /// Never faster than what was written, and slower by less than a millionth; the burst is exact.
    #[test]
    fn parts_keep_the_rate(count in 1..10_000_000_u64, period in 1..2_592_000_000_000_u64, burst in 1..10_000_000_u64) {
        if let Ok(Parts { cost, heal, room }) = Parts::new(count, period, burst) {
            prop_assert_eq!(room / cost, burst);
            prop_assert!(room <= 1 << 51 && heal <= 1 << 50);
            let (written, made) = (count as f64 / period as f64, heal as f64 / cost as f64);
            let exact = u128::from(heal) * u128::from(period) <= u128::from(cost) * u128::from(count);
            prop_assert!(exact, "faster");
            prop_assert!(made >= written * (1.0 - 1e-6), "{made} for {written}");
        }
    }
}
