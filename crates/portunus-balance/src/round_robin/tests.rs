use super::*;
use crate::fixture::{Picker, endpoints};

#[test]
fn the_rotation_is_smooth_and_endless() {
    let tier = endpoints(&[5, 1, 1]);
    let balancer = RoundRobin::build(&tier);
    assert_eq!(Picker::new().letters(&balancer, &tier, 14), "aabacaaaabacaa");
}

#[test]
fn the_turns_of_an_endpoint_that_is_out_are_shared() {
    let tier = endpoints(&[1, 1, 1]);
    let balancer = RoundRobin::build(&tier);
    tier[1].state.set_draining(true);
    assert_eq!(Picker::new().letters(&balancer, &tier, 6), "acacac");
}

#[test]
fn a_fresh_worker_starts_anywhere() {
    let tier = endpoints(&[1; 16]);
    let balancer = RoundRobin::build(&tier);
    let first = |seed| {
        let mut picker = Picker::new();
        picker.local = Default::default();
        picker.rng = portunus_base::Rng::seeded(seed);
        picker.pick(&balancer, &tier)
    };
    let starts: std::collections::HashSet<_> = (0..64).map(first).collect();
    assert!(starts.len() > 8, "{starts:?}");
}

#[test]
fn an_endpoint_in_slow_start_gets_part_of_its_turns() {
    let tier = endpoints(&[1, 1]);
    let balancer = RoundRobin::build(&tier);
    tier[0].state.set_weight_percent(10);
    let picks = Picker::new().letters(&balancer, &tier, 1_100);
    let share = picks.matches('a').count();
    assert!((60..160).contains(&share), "{share}");
}
