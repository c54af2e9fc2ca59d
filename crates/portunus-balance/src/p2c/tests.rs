use super::*;
use crate::fixture::{Picker, endpoints};

#[test]
fn of_two_the_less_busy_is_taken() {
    let tier = endpoints(&[1, 1]);
    let balancer = P2c::build(&tier);
    tier[0].state.begin();
    assert_eq!(Picker::new().letters(&balancer, &tier, 50), "b".repeat(50));
}

#[test]
fn the_busiest_of_many_is_left_alone() {
    let tier = endpoints(&[1; 5]);
    let balancer = P2c::build(&tier);
    (0..100).for_each(|_| tier[2].state.begin());
    // Only a sample that finds no second endpoint in eight draws may take it.
    let picks = Picker::new().letters(&balancer, &tier, 1_000);
    assert!(picks.matches('c').count() <= 1, "{picks}");
}
