use super::*;
use crate::fixture::{Picker, endpoints};

#[test]
fn idle_endpoints_take_turns_by_weight() {
    let tier = endpoints(&[2, 1]);
    let balancer = LeastRequests::build(&tier);
    assert_eq!(Picker::new().letters(&balancer, &tier, 6), "abaaba");
}

#[test]
fn the_least_busy_for_its_weight_is_taken() {
    let tier = endpoints(&[4, 1, 1]);
    let balancer = LeastRequests::build(&tier);
    for (index, in_flight) in [(0, 3), (1, 1), (2, 2)] {
        (0..in_flight).for_each(|_| tier[index].state.begin());
    }
    let mut picker = Picker::new();
    assert_eq!(picker.letters(&balancer, &tier, 2), "aa");
    (0..5).for_each(|_| tier[0].state.begin());
    assert_eq!(picker.letters(&balancer, &tier, 2), "bb");
    tier[2].state.end(None, picker.now);
    tier[2].state.end(None, picker.now);
    assert_eq!(picker.letters(&balancer, &tier, 2), "cc");
}
