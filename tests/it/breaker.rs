//! An upstream that fails too often gets no requests for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use portunus_testkit::{Answer, Origin, Program, Response, Setup, eventually, faulty};
use serde_json::Value;

const CONFIG: &str = r#"
upstreams:
  shop:
    endpoints: "{origin}"
    breaker: {error_rate: 50%, over: 1m, open_for: "{open_for}", min_requests: 4, probes: 2}
    timeouts: {idle: 30s}
hosts: {"*": {routes: {/**: shop}}}
"#;

fn config(origin: &impl std::fmt::Display, open_for: &str) -> Setup {
    Program::config(CONFIG).fill("origin", origin).fill("open_for", open_for)
}

/// An origin that answers with 500 for as long as it is sick.
fn patient() -> (Origin, Arc<AtomicBool>) {
    let sick = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&sick);
    let answer = move |_: &_| match state.load(Relaxed) {
        true => Response::status(500),
        false => Response::text("well"),
    };
    (Origin::new(answer), sick)
}

fn assert_open(answer: &Answer, retry_after: &str) {
    answer.assert_own(503, "upstream.breaker_open");
    assert_eq!(answer.header("retry-after"), Some(retry_after));
}

/// Where the breaker stands by the metrics, and how often it opened.
fn stand(program: &Program) -> (f64, f64) {
    let metrics = program.metrics();
    let of = ("upstream", "shop");
    let turns = "portunus_upstream_breaker_transitions_total";
    (
        metrics.sum("portunus_upstream_breaker_state", &[of]),
        metrics.sum(turns, &[of, ("to", "open")]),
    )
}

#[test]
fn after_too_many_failures_requests_are_answered_at_once_and_told_when_to_come_back() {
    let (origin, _) = patient();
    let program = config(&origin, "1h").start();
    assert_eq!(stand(&program), (0.0, 0.0));
    let mut client = program.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").status, 500);
    }
    assert_open(&client.get("/"), "3600");
    assert_open(&program.get("/"), "3600");
    assert_eq!(origin.requests().len(), 4);
    assert_eq!(stand(&program), (2.0, 1.0));
    let upstreams: Value = serde_json::from_str(program.admin("/api/upstreams").text()).unwrap();
    assert_eq!(upstreams[0]["breaker"], "open");
}

#[test]
fn an_upstream_that_is_well_again_gets_its_requests_back() {
    let (origin, sick) = patient();
    let program = config(&origin, "50ms").start();
    let mut client = program.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").status, 500);
    }
    sick.store(false, Relaxed);
    for _ in 0..2 {
        eventually("a probe is let pass", || client.get("/").status == 200);
    }
    for _ in 0..10 {
        assert_eq!(client.get("/").text(), "well");
    }
    assert_eq!(stand(&program), (0.0, 1.0));
}

#[test]
fn an_upstream_that_is_still_sick_is_left_alone_again() {
    let (origin, _) = patient();
    let program = config(&origin, "20ms").start();
    let mut client = program.client();
    eventually("it opened a second time", || {
        let status = client.get("/").status;
        assert!([500, 503].contains(&status), "{status}");
        stand(&program).1 >= 2.0
    });
}

#[test]
fn a_reload_that_changes_the_upstream_leaves_its_breaker_as_it_is() {
    let (origin, _) = patient();
    let program = config(&origin, "1h").start();
    let mut client = program.client();
    for _ in 0..4 {
        client.get("/");
    }
    let changed = CONFIG.replace("idle: 30s", "idle: 31s").replace("{open_for}", "1h");
    program.reload(&changed.replace("{origin}", &origin.to_string()));
    client.get("/").assert_own(503, "upstream.breaker_open");
    assert_eq!(origin.requests().len(), 4);
}

#[test]
fn connections_that_are_refused_count_and_answers_that_are_fine_do_not() {
    let program = config(&faulty::refusing(), "1h").start();
    let mut client = program.client();
    eventually("it is open", || client.get("/").status == 503);
    assert_eq!(stand(&program), (2.0, 1.0));

    let origin = Origin::new(|_| Response::status(404));
    let program = config(&origin, "1h").start();
    let mut client = program.client();
    for _ in 0..20 {
        assert_eq!(client.get("/").status, 404);
    }
    assert_eq!(stand(&program), (0.0, 0.0));
}
