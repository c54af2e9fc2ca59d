use portunus_spec::Spec;

use super::*;
use crate::fixture::{Picker, endpoint, rest};
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
        rest(state(&set, key), picker.now);
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
        rest(&endpoint.state, picker.now);
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
fn who_was_there_before_may_go_on_where_new_ones_may_not_come() {
    let set = set(None);
    let now = Picker::new().now;
    assert!(set.keeps(0, now));
    state(&set, 0).set_draining(true);
    assert!(set.keeps(0, now));
    state(&set, 0).set_active_down(true);
    assert!(!set.keeps(0, now));
    rest(state(&set, 1), now);
    assert!(!set.keeps(1, now));
    assert!(!set.keeps(set.endpoints().len(), now));
}

#[test]
fn an_empty_set_gives_nothing() {
    let plan = BalanceSpec::absent().unwrap().plan;
    let set = EndpointSet::build(Vec::new(), plan.as_ref(), Some("a"), 0);
    assert_eq!(Picker::new().pick_of(&set), None);
}

#[test]
fn endpoints_without_room_are_passed_by_and_waited_for_rather_than_those_that_are_out() {
    let set = set(Some("a"));
    let mut picker = Picker::new();
    rest(state(&set, 4), picker.now);
    let busy = |below: u32| move |state: &crate::EndpointState| state.key() >= below;
    let pick = |below, picker: &mut Picker| {
        let has_room = busy(below);
        let mut cx = picker.cx().with_room(Some(&has_room));
        let picked = set.pick(&mut cx).map(|index| set.endpoints()[index].state.key());
        (picked, cx.is_full())
    };
    assert_eq!(pick(1, &mut picker), (Some(1), true));
    assert!([Some(2), Some(3)].contains(&pick(2, &mut picker).0));
    // The backup is out, and not asked while others will have room.
    assert_eq!(pick(4, &mut picker), (None, true));
    // One that was tried before has room.
    (0..4).for_each(|key| picker.tried.insert(key));
    assert_eq!(pick(3, &mut picker), (Some(3), true));
    (0..4).for_each(|key| state(&set, key).set_active_down(true));
    assert_eq!(pick(4, &mut picker), (Some(4), false));
}
