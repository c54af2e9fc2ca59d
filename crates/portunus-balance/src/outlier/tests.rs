use portunus_base::{Clock as _, ManualClock, Mono};
use portunus_spec::Spec as _;
use proptest::prelude::*;

use super::*;
use crate::fixture::{Picker, endpoints, rest};
use crate::{BalanceSpec, EndpointSet};

const PLAN: OutlierPlan = OutlierPlan {
    consecutive_5xx: 3,
    consecutive_failures: 2,
    eject_for: Duration::from_secs(30),
    eject_for_max: Duration::from_secs(300),
    max_ejected: 0.5,
    panic: 0.5,
    window: None,
};

fn set(count: usize) -> EndpointSet {
    let plan = BalanceSpec::absent().unwrap().plan;
    EndpointSet::build(endpoints(&vec![1; count]), plan.as_ref(), None, 0)
}

/// Tells a result of an endpoint; true when it is ejected by it.
fn tell(set: &EndpointSet, index: usize, outcome: Outcome, plan: &OutlierPlan, now: Mono) -> bool {
    let state = &set.endpoints()[index].state;
    let why = state.observe(outcome, Duration::ZERO, Some(plan), now);
    why.is_some_and(|why| set.eject(index, why, plan, now))
}

fn ejected(set: &EndpointSet, now: Mono) -> usize {
    set.endpoints().iter().filter(|endpoint| endpoint.state.is_ejected(now)).count()
}

#[test]
fn only_results_in_a_row_eject() {
    use Outcome::{Failed, Good, ServerError, Unreachable};
    let ejects = |outcomes: &[Outcome]| {
        let set = set(4);
        outcomes.iter().map(|&one| tell(&set, 0, one, &PLAN, Mono(0))).collect::<Vec<_>>()
    };
    assert_eq!(ejects(&[ServerError, ServerError, ServerError]), [false, false, true]);
    assert_eq!(ejects(&[ServerError, ServerError, Good, ServerError]), [false; 4]);
    assert_eq!(ejects(&[Failed, Unreachable]), [false, true]);
    // A bad answer does not end a row of failures, nor a failure a row of bad answers.
    assert_eq!(ejects(&[Failed, ServerError, Failed]), [false, false, true]);
    assert_eq!(ejects(&[Failed, Failed, Failed]), [false, true, false]);
}

#[test]
fn a_kind_that_is_off_never_ejects() {
    let plan = OutlierPlan { consecutive_5xx: 0, ..PLAN };
    let set = set(2);
    assert!(!(0..100).any(|_| tell(&set, 0, Outcome::ServerError, &plan, Mono(0))));
}

#[test]
fn each_ejection_is_longer_up_to_a_bound_and_quiet_times_forget() {
    let (clock, set) = (ManualClock::default(), set(2));
    let state = &set.endpoints()[0].state;
    let eject = || {
        assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, clock.mono()));
        state.ejected_until().since_us(clock.mono()) / 1_000_000
    };
    let mut lengths = Vec::new();
    for _ in 0..6 {
        lengths.push(eject());
        clock.advance(Duration::from_secs(lengths[lengths.len() - 1]));
    }
    assert_eq!(lengths, [30, 60, 120, 240, 300, 300]);
    clock.advance(Duration::from_secs(90));
    assert_eq!(eject(), 60);
    clock.advance(Duration::from_secs(10_000));
    assert_eq!(eject(), 30);
    let taken = || state.take_ejections().collect::<Vec<_>>();
    assert_eq!((taken(), taken()), (vec![(Ejection::Consecutive5xx, 8)], vec![]));
}

#[test]
fn the_share_is_rounded_down() {
    let max = |share, count| OutlierPlan { max_ejected: share, ..PLAN }.ejected_max(count);
    assert_eq!([1, 2, 3, 4].map(|count| max(0.5, count)), [0, 1, 1, 2]);
    assert_eq!((max(0.1, 9), max(0.29, 100), max(1.0, 3)), (0, 29, 3));
}

#[test]
fn when_too_few_are_usable_ejected_ones_are_used_too_but_none_that_is_down() {
    let (set, now) = (set(4), Mono(1));
    let picked = |set: &EndpointSet| {
        let mut picker = Picker { now, ..Picker::new() };
        let mut keys: Vec<u32> = (0..16).filter_map(|_| picker.pick_of(set)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    };
    assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, now));
    assert_eq!(picked(&set), [1, 2, 3]);
    set.endpoints()[1].state.set_active_down(true);
    set.review(&PLAN, now);
    assert_eq!(picked(&set), [2, 3]);
    set.endpoints()[2].state.set_active_down(true);
    set.review(&PLAN, now);
    assert_eq!(picked(&set), [0, 3]);
    set.endpoints()[1].state.set_active_down(false);
    set.review(&PLAN, now);
    assert_eq!(picked(&set), [1, 3]);
}

#[test]
fn an_endpoint_that_rests_is_heeded_in_a_panic_and_used_at_last() {
    let (set, now) = (set(3), Mono(1));
    let mut picker = Picker { now, ..Picker::new() };
    let mut only = |key| (0..8).all(|_| picker.pick_of(&set) == Some(key));
    let state = |index: usize| &set.endpoints()[index].state;
    assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, now));
    rest(state(1), now);
    rest(state(2), now);
    set.review(&PLAN, now);
    assert!(only(0));
    state(0).set_active_down(true);
    state(1).set_active_down(true);
    assert!(only(2));
}

#[test]
fn what_the_operator_drains_is_no_reason_to_panic() {
    let (set, now) = (set(4), Mono(1));
    set.endpoints()[3].state.set_draining(true);
    set.endpoints()[2].state.set_draining(true);
    assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, now));
    let mut picker = Picker { now, ..Picker::new() };
    assert!((0..8).all(|_| picker.pick_of(&set) == Some(1)));
}

#[test]
fn workers_that_eject_at_once_keep_to_the_bound() {
    for _ in 0..50 {
        let set = set(8);
        std::thread::scope(|scope| {
            for index in 0..8 {
                let set = &set;
                scope.spawn(move || {
                    (0..20).for_each(|_| {
                        _ = set.eject(index, Ejection::Consecutive5xx, &PLAN, Mono(0))
                    })
                });
            }
        });
        assert!((1..=4).contains(&ejected(&set, Mono(0))));
    }
}

#[test]
fn a_readmitted_endpoint_begins_anew() {
    let set = set(2);
    assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, Mono(0)));
    let state = &set.endpoints()[0].state;
    state.readmit();
    assert!(state.usable(Mono(0)));
    assert!(set.eject(0, Ejection::Consecutive5xx, &PLAN, Mono(0)));
    assert_eq!(state.ejected_until(), Mono(30_000_000));
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Failed, Good, ServerError, Unreachable};
    prop_oneof![Just(Good), Just(ServerError), Just(Failed), Just(Unreachable)]
}

proptest! {
    #[test]
    fn never_more_than_the_share_is_out(
        count in 1_usize..12,
        share in 0.0_f64..=1.0,
        steps in prop::collection::vec((0_usize..12, outcome(), 0_u64..20_000_000), 0..300),
    ) {
        let plan = OutlierPlan { max_ejected: share, ..PLAN };
        let (set, mut now) = (set(count), Mono(0));
        for (index, outcome, pause) in steps {
            now = Mono(now.0 + pause);
            tell(&set, index % count, outcome, &plan, now);
            prop_assert!(ejected(&set, now) <= plan.ejected_max(count));
        }
    }
}
