//! The data path between simulated clients and endpoints, in virtual time, from a seed: what must hold whatever
//! happens. A run that fails names its seed; `SIMULATION_SEED=7` runs that one alone.

mod client;
mod message;
mod origin;
mod wire;
mod world;

use client::{Asked, Outcome};
use origin::Mood;
use world::{Case, Report, run};

/// Runs a case for each of some hundred seeds, or for the one that is wanted.
fn for_seeds(case: impl Fn(u64) -> Case, judge: impl Fn(&Case, &Report)) {
    let wanted = std::env::var("SIMULATION_SEED").ok().map(|seed| seed.parse().unwrap());
    let seeds = wanted.map_or(0..SEEDS, |seed| seed..seed + 1);
    for seed in seeds {
        let case = case(seed);
        let run = std::panic::AssertUnwindSafe(|| judge(&case, &run(&case)));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("SIMULATION_SEED={seed} fails: {case:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

/// What holds in any case.
fn judge_always(case: &Case, report: &Report) {
    assert_eq!(report.asked.len(), case.clients * case.requests, "each request has its end");
    for Asked { id, method, .. } in report.asked.iter().filter(|asked| asked.method == "POST") {
        let times = report.times_asked(*id);
        assert!(times <= 1, "{method} {id} came to endpoints {times} times");
    }
    let tries_max = u32::from(case.attempts) + 1 + STALE_TRIES;
    for Asked { id, .. } in &report.asked {
        assert!(report.times_asked(*id) <= tries_max, "request {id} was tried too often");
    }
    for origin in &report.origins {
        assert_eq!(*origin.faults.borrow(), Vec::<String>::new());
        let (connections, requests) = (origin.connections_most.get(), origin.requests_most.get());
        assert!(case.connections_max.is_none_or(|max| connections <= max as usize));
        assert!(case.requests_max.is_none_or(|max| requests <= max as usize));
    }
    assert_eq!(report.left_over, Vec::<String>::new(), "when all is over, nothing is left");
}

/// Requests that may be sent twice.
fn safe(report: &Report) -> impl Iterator<Item = &Asked> {
    report.asked.iter().filter(|asked| asked.method == "GET")
}

#[test]
fn whatever_endpoints_and_clients_do_the_laws_hold() {
    for_seeds(Case::wild, judge_always);
}

#[test]
fn patient_clients_of_good_endpoints_get_their_answers() {
    for_seeds(Case::calm, |case, report| {
        judge_always(case, report);
        for Asked { id, outcome, .. } in &report.asked {
            assert_eq!(*outcome, GOOD, "request {id}");
        }
    });
}

#[test]
fn one_broken_endpoint_costs_no_idempotent_request() {
    let broken = [
        Mood::Refusing,
        Mood::Unreachable,
        Mood::Resetting,
        Mood::Babbling,
        Mood::Unavailable,
        Mood::Curt,
    ];
    for_seeds(
        |seed| Case::one_broken(seed, broken[seed as usize % broken.len()]),
        |case, report| {
            judge_always(case, report);
            for Asked { id, outcome, .. } in safe(report) {
                assert_eq!(*outcome, GOOD, "request {id}");
            }
        },
    );
}

#[test]
fn endpoints_that_answer_early_or_close_at_will_cost_no_idempotent_request() {
    for_seeds(Case::abrupt, |case, report| {
        judge_always(case, report);
        for Asked { id, outcome, .. } in safe(report) {
            assert_eq!(*outcome, GOOD, "request {id}");
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        let (first, second) = (run(&Case::wild(seed)), run(&Case::wild(seed)));
        assert_eq!(first.asked, second.asked, "seed {seed}");
        assert_eq!(first.took_us, second.took_us, "seed {seed}");
    }
}

const GOOD: Outcome = Outcome::Answered { status: 200, by_origin: true };
const SEEDS: u64 = 300;
/// What stale connections may cost beside the tries of the route.
const STALE_TRIES: u32 = 2;
