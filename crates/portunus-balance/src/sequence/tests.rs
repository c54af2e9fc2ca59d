use proptest::prelude::*;

use super::*;

fn letters(weights: &[u32]) -> String {
    let order = smooth_order(reduced(weights.to_vec()));
    order.into_iter().map(|index| char::from(b'a' + index as u8)).collect()
}

#[test]
fn the_rotation_is_smooth() {
    for (weights, order) in [
        (&[5, 1, 1][..], "aabacaa"),
        (&[1, 1, 1], "abc"),
        (&[2, 1], "aba"),
        (&[10, 10], "ab"),
        (&[4, 0, 2], "aca"),
        (&[0, 0], ""),
        (&[], ""),
    ] {
        assert_eq!(letters(weights), order, "{weights:?}");
    }
}

#[test]
fn huge_weights_make_no_huge_round() {
    let order = smooth_order(reduced(vec![u32::MAX, 1, u32::MAX - 2]));
    assert!(order.len() <= ROUND_MAX as usize + 3, "{}", order.len());
    assert_eq!(order.iter().filter(|&&index| index == 1).count(), 1);
}

proptest! {
    #[test]
    fn a_round_has_each_endpoint_by_its_weight(weights in prop::collection::vec(0u32..40, 0..12)) {
        let order = smooth_order(reduced(weights.clone()));
        let total: u32 = weights.iter().sum();
        for (index, &weight) in weights.iter().enumerate() {
            let count = order.iter().filter(|&&entry| entry as usize == index).count();
            prop_assert_eq!(count * total as usize, weight as usize * order.len());
        }
    }
}
