use super::*;
use crate::fixture::{Picker, endpoints};

#[test]
fn a_seed_repeats_the_choices() {
    let tier = endpoints(&[1, 2, 3]);
    let balancer = Random::build(&tier);
    let picks = || Picker::new().letters(&balancer, &tier, 64);
    assert_eq!(picks(), picks());
    assert!(["a", "b", "c"].iter().all(|letter| picks().contains(letter)));
}

#[test]
fn the_one_usable_endpoint_of_many_is_found() {
    let tier = endpoints(&[1; 300]);
    let balancer = Random::build(&tier);
    for endpoint in tier.iter().filter(|endpoint| endpoint.state.key() != 271) {
        endpoint.state.set_active_down(true);
    }
    assert_eq!(Picker::new().pick(&balancer, &tier), Some(271));
}
