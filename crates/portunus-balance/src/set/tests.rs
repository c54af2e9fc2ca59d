use std::time::Duration;

use portunus_spec::Spec;

use super::*;
use crate::fixture::{Picker, endpoint};
use crate::registry::BalanceSpec;

/// Endpoints 0 and 1 in zone a, 2 and 3 in zone b, 4 a backup; the traffic comes from `zone`.
fn set(zone: Option<&str>) -> EndpointSet {
    let mut endpoints: Vec<Endpoint> = (0..5).map(|index| endpoint(index, 1)).collect();
    for (endpoint, zone) in endpoints.iter_mut().zip(["a", "a", "b", "b", "b"]) {
        endpoint.zone = Some(zone.into());
        endpoint.backup = endpoint.state.key() == 4;
    }
    EndpointSet::build(endpoints, BalanceSpec::absent().unwrap().plan.as_ref(), zone, 7)
}

/// All endpoints that 12 picks give.
fn picked(set: &EndpointSet, picker: &mut Picker) -> Vec<u32> {
    let mut keys: Vec<u32> = (0..12).filter_map(|_| picker.pick_of(set)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn state(set: &EndpointSet, key: u32) -> &crate::EndpointState {
    let mut states = set.endpoints().iter().map(|endpoint| &endpoint.state);
    states.find(|state| state.key() == key).unwrap()
}

#[test]
fn the_own_zone_comes_first_and_backups_last() {
    let set = set(Some("b"));
    assert_eq!(set.generation(), 7);
    let mut picker = Picker::new();
    assert_eq!(picked(&set, &mut picker), [2, 3]);
    state(&set, 2).set_draining(true);
    assert_eq!(picked(&set, &mut picker), [3]);
    state(&set, 3).set_active_down(true);
    assert_eq!(picked(&set, &mut picker), [0, 1]);
    for key in [0, 1] {
        state(&set, key).fail(picker.now, Duration::from_secs(1));
    }
    assert_eq!(picked(&set, &mut picker), [4]);
}

#[test]
fn without_a_zone_of_our_own_all_but_backups_are_equal() {
    assert_eq!(picked(&set(None), &mut Picker::new()), [0, 1, 2, 3]);
    assert_eq!(picked(&set(Some("c")), &mut Picker::new()), [0, 1, 2, 3]);
}

#[test]
fn a_retry_goes_elsewhere_and_even_to_a_backup_before_it_repeats() {
    let set = set(Some("a"));
    let mut picker = Picker::new();
    let mut order = Vec::new();
    for _ in 0..5 {
        let key = picker.pick_of(&set).unwrap();
        picker.tried.insert(key);
        order.push(key);
    }
    order[..2].sort_unstable();
    order[2..4].sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    assert_eq!(picked(&set, &mut picker), [0, 1]);
}

#[test]
fn when_nothing_is_usable_the_ejected_are_tried_but_never_those_known_to_be_down() {
    let set = set(None);
    let mut picker = Picker::new();
    for endpoint in set.endpoints() {
        endpoint.state.fail(picker.now, Duration::from_secs(1));
    }
    state(&set, 0).set_active_down(true);
    state(&set, 1).set_draining(true);
    assert_eq!(picked(&set, &mut picker), [2, 3]);
    for endpoint in set.endpoints() {
        endpoint.state.set_active_down(true);
    }
    assert_eq!(picker.pick_of(&set), None);
}

#[test]
fn an_empty_set_gives_nothing() {
    let plan = BalanceSpec::absent().unwrap().plan;
    let set = EndpointSet::build(Vec::new(), plan.as_ref(), Some("a"), 0);
    assert_eq!(Picker::new().pick_of(&set), None);
}
