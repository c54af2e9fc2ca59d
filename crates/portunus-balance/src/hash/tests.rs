use portunus_base::hash_bytes;

use super::*;
use crate::fixture::{Picker, endpoint, endpoints};

fn key(number: u32) -> u64 {
    hash_bytes(&number.to_le_bytes())
}

#[test]
fn the_bound_on_the_load_holds_for_one_hot_key() {
    let tier = endpoints(&[1, 1, 2]);
    let ring = Ring::build(&tier, 1.25);
    let mut picker = Picker::keyed(key(1));
    for total in 1..=1_000 {
        let index = picker.pick(&ring, &tier).unwrap();
        tier[index].state.begin();
        for endpoint in &tier {
            let fair = 1.25 * f64::from(total) * f64::from(endpoint.weight) / 4.0;
            assert!(f64::from(endpoint.state.in_flight()) <= fair.ceil());
        }
    }
}

#[test]
fn a_key_returns_home_when_the_load_is_gone() {
    let tier = endpoints(&[1; 4]);
    let ring = Ring::build(&tier, 1.25);
    let mut picker = Picker::keyed(key(2));
    let home = picker.pick(&ring, &tier).unwrap();
    (0..9).for_each(|_| tier[home].state.begin());
    let other = picker.pick(&ring, &tier).unwrap();
    assert_ne!(other, home);
    (0..9).for_each(|_| tier[home].state.end(None, picker.now));
    assert_eq!(picker.pick(&ring, &tier), Some(home));
}

#[test]
fn the_order_of_the_endpoints_does_not_matter() {
    let tier = endpoints(&[1; 9]);
    let mut turned = tier.clone();
    turned.reverse();
    let (ring, turned_ring) = (Ring::build(&tier, 1.25), Ring::build(&turned, 1.25));
    for number in 0..1_000 {
        let index = Picker::keyed(key(number)).pick(&ring, &tier).unwrap();
        let other = Picker::keyed(key(number)).pick(&turned_ring, &turned).unwrap();
        assert_eq!(tier[index].address, turned[other].address);
    }
}

#[test]
fn huge_weights_make_no_huge_ring() {
    let tier = [endpoint(0, u32::MAX), endpoint(1, 1), endpoint(2, 0)];
    let ring = Ring::build(&tier, 1.25);
    assert!(ring.points.len() <= 2 * 160 * tier.len() + tier.len(), "{}", ring.points.len());
    assert!(ring.points.iter().any(|&(_, index)| index == 1));
}
