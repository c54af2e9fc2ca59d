//! What holds for each algorithm of the registry: an algorithm gets these tests by being listed.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::{Mono, hash_bytes};
use portunus_spec::{Diagnostics, NoLookup};
use proptest::prelude::*;

use super::*;
use crate::fixture::{Picker, endpoints, rest};

fn plan(factory: &dyn BalancerFactory) -> Arc<dyn BalancerPlan> {
    factory.read(&Node::default(), &mut Reader::new(&NoLookup)).unwrap()
}

fn keys(count: u32) -> impl Iterator<Item = u64> {
    (0..count).map(|number| hash_bytes(&number.to_le_bytes()))
}

/// Picks per endpoint when `count` requests with different keys stay in flight.
fn picks(factory: &dyn BalancerFactory, tier: &[Endpoint], count: u32) -> Vec<u32> {
    let balancer = plan(factory).build(tier);
    let mut picker = Picker::new();
    for key in keys(count) {
        picker.key = Some(key);
        let index = picker.pick(balancer.as_ref(), tier).unwrap();
        tier[index].state.begin();
    }
    tier.iter().map(|endpoint| endpoint.state.in_flight()).collect()
}

#[test]
fn names_are_unique_sorted_and_documented() {
    assert!(BALANCERS.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    for factory in BALANCERS {
        assert!(factory.doc().ends_with('.'), "{}", factory.name());
        assert_eq!(factory.keyed(), plan(*factory).key().is_some(), "{}", factory.name());
    }
}

#[test]
fn no_endpoint_gives_no_pick_and_one_endpoint_is_always_it() {
    for factory in BALANCERS {
        let none = plan(*factory).build(&[]);
        assert_eq!(Picker::keyed(1).pick(none.as_ref(), &[]), None, "{}", factory.name());
        let tier = endpoints(&[3]);
        let one = plan(*factory).build(&tier);
        for key in keys(50) {
            assert_eq!(Picker::keyed(key).pick(one.as_ref(), &tier), Some(0), "{}", factory.name());
        }
    }
}

#[test]
fn shares_follow_the_weights() {
    for factory in BALANCERS {
        for weights in [&[1, 1, 1][..], &[5, 3, 2], &[8, 1, 1, 0], &[100, 50, 25, 25]] {
            let total: u32 = weights.iter().sum();
            let counts = picks(*factory, &endpoints(weights), 20_000);
            for (count, weight) in counts.iter().zip(weights) {
                let fair = f64::from(*weight) / f64::from(total);
                let share = f64::from(*count) / 20_000.0;
                // A ring of 160 points is the coarsest.
                let far = (share - fair).abs() > 0.25 * fair;
                assert!(!far, "{}: {weights:?} gave {counts:?}", factory.name());
            }
        }
    }
}

#[test]
fn the_traffic_of_an_endpoint_that_is_out_is_shared_by_weight() {
    for factory in BALANCERS {
        let tier = endpoints(&[2, 4, 2, 2]);
        tier[1].state.set_active_down(true);
        let counts = picks(*factory, &tier, 12_000);
        assert_eq!(counts[1], 0, "{}", factory.name());
        for index in [0, 2, 3] {
            assert!(counts[index].abs_diff(4_000) < 1_000, "{}: {counts:?}", factory.name());
        }
    }
}

#[test]
fn without_a_key_a_keyed_algorithm_spreads() {
    for factory in BALANCERS {
        let tier = endpoints(&[1; 4]);
        let balancer = plan(*factory).build(&tier);
        let picks = Picker::new().letters(balancer.as_ref(), &tier, 400);
        for letter in ["a", "b", "c", "d"] {
            assert!(picks.matches(letter).count() > 50, "{}: {picks}", factory.name());
        }
    }
}

#[test]
fn a_key_stays_where_it_is() {
    for factory in BALANCERS.iter().filter(|factory| factory.keyed()) {
        let tier = endpoints(&[1; 10]);
        let home = |balancer: &dyn Balancer, key| Picker::keyed(key).pick(balancer, &tier);
        let (one, other) = (plan(*factory).build(&tier), plan(*factory).build(&tier));
        for key in keys(500) {
            assert_eq!(home(one.as_ref(), key), home(other.as_ref(), key), "{}", factory.name());
        }
    }
}

#[test]
fn few_keys_move_when_an_endpoint_leaves() {
    for factory in BALANCERS.iter().filter(|factory| factory.keyed()) {
        let tier = endpoints(&[1; 10]);
        let fewer: Vec<Endpoint> =
            tier.iter().filter(|endpoint| endpoint.state.key() != 4).cloned().collect();
        let (before, after) = (plan(*factory).build(&tier), plan(*factory).build(&fewer));
        let mut moved = 0;
        for key in keys(10_000) {
            let was = &tier[Picker::keyed(key).pick(before.as_ref(), &tier).unwrap()];
            let is = &fewer[Picker::keyed(key).pick(after.as_ref(), &fewer).unwrap()];
            let had_to = was.state.key() == 4;
            moved += u32::from(!had_to && was.address != is.address);
        }
        // The leaver's own tenth has to move; of the rest the ring moves none, maglev a few.
        assert!(moved < 600, "{}: {moved} of 10000 moved without need", factory.name());
    }
}

#[test]
fn a_pick_does_not_allocate() {
    for factory in BALANCERS {
        let tier = endpoints(&[3, 2, 1, 1]);
        let balancer = plan(*factory).build(&tier);
        rest(&tier[1].state, Mono(0));
        let mut picker = Picker::new();
        let allocations = allocation_counter::measure(|| {
            for key in 0..100 {
                picker.key = Some(key);
                picker.pick(balancer.as_ref(), &tier);
            }
        });
        assert_eq!(allocations.count_total, 0, "{}", factory.name());
    }
}

proptest! {
    #[test]
    fn only_and_always_an_accepted_endpoint_is_picked(
        weights in prop::collection::vec(0u32..6, 0..20),
        states in prop::collection::vec(0u8..6, 20),
        loads in prop::collection::vec(0u32..5, 20),
        key in prop::option::of(any::<u64>()),
        seed in any::<u64>(),
    ) {
        for factory in BALANCERS {
            let tier = endpoints(&weights);
            let mut picker = Picker { key, rng: portunus_base::Rng::seeded(seed), ..Picker::new() };
            for ((endpoint, state), load) in tier.iter().zip(&states).zip(&loads) {
                (0..*load).for_each(|_| endpoint.state.begin());
                match state {
                    0 => endpoint.state.set_active_down(true),
                    1 => endpoint.state.set_draining(true),
                    2 => rest(&endpoint.state, Mono(0)),
                    3 if picker.tried.count() < 8 => picker.tried.insert(endpoint.state.key()),
                    4 => endpoint.state.set_weight_percent(1),
                    _ => {}
                }
            }
            let balancer = plan(*factory).build(&tier);
            let picked = picker.pick(balancer.as_ref(), &tier);
            let cx = picker.cx();
            let any = tier.iter().any(|endpoint| cx.accepts(endpoint));
            prop_assert_eq!(picked.is_some(), any, "{}", factory.name());
            if let Some(index) = picked {
                prop_assert!(cx.accepts(&tier[index]), "{}", factory.name());
            }
        }
    }
}

/// Reads `balance:` and gives its normal form and key, or the messages with their help.
fn read(node: &Node) -> Result<(Node, Option<KeySource>), String> {
    let mut reader = Reader::at(&NoLookup, "balance");
    let spec = BalanceSpec::read(node, &mut reader);
    let problems: Diagnostics = reader.finish();
    let text = |problem: &portunus_spec::Diagnostic| {
        format!("{}: {} ({:?})", problem.path, problem.message, problem.help)
    };
    if !problems.is_empty() {
        return Err(problems.iter().map(text).collect());
    }
    let spec = spec.unwrap();
    Ok((spec.write(), spec.plan.key().cloned()))
}

#[test]
fn names_and_options_read_back_from_the_normal_form() {
    let word = |word: &str| Node::text(word);
    let hash = |options| Node::map([("hash", options)]);
    let user = || Node::map([("header", word("x-user"))]);
    let header = KeySource::Header("x-user".to_owned());
    for (written, normal, key) in [
        (word("p2c"), word("p2c"), None),
        (Node::map([("p2c", Node::default())]), word("p2c"), None),
        (word("hash"), word("hash"), Some(KeySource::ClientIp)),
        (hash(word("client_ip")), word("hash"), Some(KeySource::ClientIp)),
        (hash(word("path")), hash(Node::map([("key", word("path"))])), Some(KeySource::Path)),
        (
            hash(Node::map([("key", user()), ("load", Value::Float(1.25).into())])),
            hash(Node::map([("key", user())])),
            Some(header),
        ),
    ] {
        let (found, found_key) = read(&written).unwrap();
        assert!(found.same(&normal), "{written:?} gave {found:?}");
        assert_eq!(found_key, key);
        assert!(read(&found).unwrap().0.same(&normal));
    }
}

#[test]
fn mistakes_say_what_to_write() {
    let options = |name, key, value| Node::map([(name, Node::map([(key, Node::text(value))]))]);
    let errors: HashMap<_, _> = [
        ("name", Node::text("leastrequests")),
        ("no_options", options("p2c", "load", "2")),
        ("load", options("hash", "load", "0.5")),
        ("table", options("maglev", "table", "65536")),
        ("two", Node::map([("hash", Node::default()), ("p2c", Node::default())])),
    ]
    .into_iter()
    .map(|(case, node)| (case, read(&node).unwrap_err()))
    .collect();
    assert!(errors["name"].contains("did you mean `least_requests`"), "{errors:?}");
    assert!(errors["no_options"].contains("balance.p2c: unknown key `load`"), "{errors:?}");
    assert!(errors["load"].contains("at least 1"), "{errors:?}");
    assert!(errors["table"].contains("65537"), "{errors:?}");
    assert!(errors["two"].contains("the name of an algorithm"), "{errors:?}");
}

#[test]
fn without_a_word_the_algorithm_is_round_robin() {
    assert_eq!(BalanceSpec::absent().unwrap().name, "round_robin");
}
