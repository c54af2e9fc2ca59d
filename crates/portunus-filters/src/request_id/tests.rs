use std::collections::HashSet;

use super::*;
use crate::tests::*;
use portunus_spec::Node;
use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

fn filter(entries: &[(&str, &str)]) -> Arc<dyn Filter> {
    build("request_id", texts(entries)).unwrap()
}

/// The id on the request, which must be the one of the attribute.
fn id_of(exchange: &Exchange) -> Vec<u8> {
    let id = exchange.request.headers.value(b"X-Request-Id").unwrap().to_vec();
    assert_eq!(exchange.attributes.value("request_id"), Some(id.as_slice()));
    id
}

#[test]
fn an_id_is_made_and_told_to_all() {
    let mut exchange = exchange("GET /");
    Rig::new().request(&*filter(&[]), &mut exchange);
    let id = id_of(&exchange);
    assert_eq!(exchange.response_extra.value(b"x-request-id"), Some(id.as_slice()));
}

#[test]
fn ids_of_others_are_taken_as_far_as_trusted() {
    for (trust, trusted, sent, taken) in [
        ("trusted", true, "abc", true),
        ("trusted", false, "abc", false),
        ("always", false, "abc", true),
        ("never", true, "abc", false),
        ("always", true, "a b", false),
        ("always", true, "", false),
        ("always", true, &"x".repeat(128), true),
        ("always", true, &"x".repeat(129), false),
    ] {
        let mut exchange = exchange("GET /");
        exchange.client.trusted = trusted;
        exchange.request.headers.append(b"x-request-id", sent.as_bytes());
        Rig::new().request(&*filter(&[("trust", trust)]), &mut exchange);
        assert_eq!(id_of(&exchange) == sent.as_bytes(), taken, "{trust} {sent}");
        assert_eq!(exchange.request.headers.values(b"X-Request-Id").count(), 1);
    }
}

#[test]
fn a_second_filter_keeps_the_id_of_the_first() {
    let (mut exchange, mut rig) = (exchange("GET /"), Rig::new());
    rig.request(&*filter(&[]), &mut exchange);
    let id = id_of(&exchange);
    rig.request(&*filter(&[("header", "X-Trace"), ("answer", "false")]), &mut exchange);
    assert_eq!(exchange.request.headers.value(b"x-trace"), Some(id.as_slice()));
    assert_eq!(exchange.response_extra.len(), 1);
}

#[test]
fn each_worker_has_a_sequence_of_its_own() {
    let filter = filter(&[]);
    let (mut first, mut second) = (Rig::new(), Rig::new());
    second.rng = Rng::seeded(8);
    let id = |rig: &mut Rig| {
        let mut exchange = exchange("GET /");
        rig.request(&*filter, &mut exchange);
        id_of(&exchange)
    };
    let ids: HashSet<_> = (0..100).flat_map(|_| [id(&mut first), id(&mut second)]).collect();
    assert_eq!(ids.len(), 200);
}

#[test]
fn nothing_is_allocated() {
    let prepare = |exchange: &mut Exchange| {
        exchange.request.headers.append(b"X-Request-Id", b"from-client");
    };
    assert_eq!(allocations(&*filter(&[]), &mut exchange("GET /"), prepare), 0);
}

#[test]
fn mistakes_are_told() {
    assert!(mistakes("request_id", Node::text("a b")).contains("not a header name"));
    assert!(mistakes("request_id", Node::text("Connection")).contains("cannot be changed"));
    assert!(mistakes("request_id", texts(&[("trust", "alway")])).contains("did you mean `always`"));
}

proptest! {
    #[test]
    fn ids_rise_and_are_valid(seed: u64, steps in prop::collection::vec(0..3000u64, 1..300)) {
        let (mut local, mut rng) = (SequenceLocal::default(), Rng::seeded(seed));
        let mut wall_us = 1_800_000_000_000_000;
        let mut last = [0; 36];
        for step_us in steps {
            // The clock is set back now and then.
            wall_us = if step_us % 7 == 0 { wall_us - step_us } else { wall_us + step_us };
            let id = local.next_id(Wall(wall_us), &mut rng);
            prop_assert!(id > last, "{:?}", std::str::from_utf8(&id));
            prop_assert!(is_id(&id));
            prop_assert_eq!(id[14], b'7');
            prop_assert!(matches!(id[19], b'8' | b'9' | b'a' | b'b'));
            prop_assert!([8, 13, 18, 23].iter().all(|at| id[*at] == b'-'));
            last = id;
        }
    }

    #[test]
    fn a_full_counter_runs_into_the_next_millisecond(seed: u64) {
        let (mut local, mut rng) = (SequenceLocal::default(), Rng::seeded(seed));
        let ids: Vec<_> = (0..10_000).map(|_| local.next_id(Wall(5_000), &mut rng)).collect();
        prop_assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
