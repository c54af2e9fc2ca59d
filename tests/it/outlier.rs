//! Endpoints that fail in a row, or do worse than the others over a while, are left out for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use portunus_testkit::{Folder, Gate, Origin, Program, Request, Response, eventually, faulty};

const CONFIG: &str = r#"
workers: 1
upstreams:
  shop:
    endpoints: ["{good}", "{bad}", "{other}"]
    outlier: {consecutive_5xx: 3, eject_for: 1m}
hosts:
  "*": {routes: {/**: shop}}
"#;

fn statuses(program: &Program, count: usize) -> Vec<u16> {
    let mut client = program.client();
    (0..count).map(|_| client.request("GET", "/").send().status).collect()
}

#[test]
fn one_that_answers_errors_in_a_row_gets_no_more_requests() {
    let fine = || Origin::new(|_| Response::text("fine"));
    let (good, bad, other) = (fine(), Origin::new(|_| Response::status(500)), fine());
    let program =
        Program::config(CONFIG).fill("good", &good).fill("bad", &bad).fill("other", &other).start();
    let first = statuses(&program, 9);
    assert_eq!(first.iter().filter(|status| **status == 500).count(), 3, "{first:?}");
    assert_eq!(statuses(&program, 12), [200; 12]);
    assert_eq!(bad.requests().len(), 3);
}

#[test]
fn no_more_than_a_share_of_them_is_left_out() {
    let failing = || Origin::new(|_| Response::status(500));
    let (good, bad, other) = (failing(), failing(), failing());
    let program =
        Program::config(CONFIG).fill("good", &good).fill("bad", &bad).fill("other", &other).start();
    let all = statuses(&program, 30);
    assert_eq!(all, [500; 30]);
    // One of three is ejected at most: the others go on getting theirs.
    let mut counts = [&good, &bad, &other].map(|origin| origin.requests().len());
    counts.sort_unstable();
    assert!(counts[0] >= 3 && counts[1] >= 9, "{counts:?}");
}

/// The state of the endpoints of the first upstream, in their order.
fn states(program: &Program) -> Vec<String> {
    let upstreams = program.admin("/api/upstreams").json();
    let endpoints = upstreams[0]["endpoints"].as_array().unwrap();
    endpoints.iter().map(|endpoint| endpoint["state"].as_str().unwrap().to_owned()).collect()
}

fn wait_for(program: &Program, wanted: &[&str]) {
    eventually(&format!("the endpoints are {wanted:?}"), || states(program) == wanted);
}

/// How often an endpoint was ejected for this, and whether it is now.
fn ejections(program: &Program, endpoint: &Origin, reason: &str) -> (f64, f64) {
    let metrics = program.metrics();
    let endpoint = endpoint.to_string();
    let of = [("upstream", "shop"), ("endpoint", endpoint.trim_end_matches('/'))];
    let total = "portunus_endpoint_ejections_total";
    (
        metrics.sum(total, &[of[0], of[1], ("reason", reason)]),
        metrics.sum("portunus_endpoint_ejected", &of),
    )
}

fn shop(outlier: &str) -> String {
    CONFIG.replace("{consecutive_5xx: 3, eject_for: 1m}", outlier)
}

fn fine() -> Origin {
    Origin::new(|_| Response::text("fine"))
}

fn start(config: &str, [good, bad, other]: [&Origin; 3]) -> Program {
    Program::config(config).fill("good", good).fill("bad", bad).fill("other", other).start()
}

#[test]
fn one_that_gives_no_answers_in_a_row_is_ejected_and_the_metrics_tell_it() {
    let (good, bad, other) = (fine(), faulty::closing(), fine());
    let config = shop("{consecutive_5xx: 0, consecutive_failures: 2, eject_for: 1m}");
    let program = start(&config, [&good, &bad, &other]);
    // Another endpoint answers for it each time.
    assert_eq!(statuses(&program, 18), [200; 18]);
    assert_eq!(bad.requests().len(), 2);
    eventually("the metrics tell", || {
        ejections(&program, &bad, "consecutive_failures") == (1.0, 1.0)
    });
    assert_eq!(ejections(&program, &bad, "consecutive_5xx"), (0.0, 1.0));
    assert_eq!(ejections(&program, &good, "consecutive_failures"), (0.0, 0.0));
}

#[test]
fn an_ejection_survives_a_reload_that_is_about_something_else() {
    let (good, bad, other) = (fine(), Origin::new(|_| Response::status(500)), fine());
    let program = start(CONFIG, [&good, &bad, &other]);
    statuses(&program, 9);
    wait_for(&program, &["up", "ejected", "up"]);
    program.reload(&CONFIG.replace("routes: {", "routes: {/new: {respond: new}, "));
    assert_eq!(program.get("/new").text(), "new");
    assert_eq!(statuses(&program, 9), [200; 9]);
    assert_eq!(states(&program), ["up", "ejected", "up"]);
    eventually("it is counted", || ejections(&program, &bad, "consecutive_5xx") == (1.0, 1.0));
    program.reload(&CONFIG.replace("    outlier: {consecutive_5xx: 3, eject_for: 1m}\n", ""));
    wait_for(&program, &["up", "up", "up"]);
}

#[test]
fn when_too_few_are_usable_ejected_ones_get_requests_again() {
    let sick = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&sick);
    let bad = Origin::new(move |_| match state.load(Relaxed) {
        true => Response::status(500),
        false => Response::text("well"),
    });
    let config = r#"
workers: 1
upstreams:
  shop:
    endpoints: ["{bad}", "{good}", "{dead}"]
    health: {path: /, every: 20ms, unhealthy_after: 1, status: [200, 500]}
    outlier: {consecutive_5xx: 3, eject_for: 1m, panic: "{panic}"}
hosts: {"*": {routes: {/**: shop}}}
"#;
    for (panic, gets_some) in [("50%", true), ("0%", false)] {
        sick.store(true, Relaxed);
        let (good, dead) = (Origin::text("good"), faulty::refusing());
        let setup = Program::config(config).fill("bad", &bad).fill("good", &good);
        let program = setup.fill("dead", &dead).fill("panic", panic).start();
        wait_for(&program, &["up", "up", "down"]);
        eventually("it is ejected", || {
            statuses(&program, 3);
            states(&program)[0] == "ejected"
        });
        sick.store(false, Relaxed);
        let mut client = program.client();
        let mut answers = (0..8).map(|_| client.get("/").text().to_owned());
        assert_eq!(answers.any(|answer| answer == "well"), gets_some, "panic: {panic}");
    }
}

#[test]
fn a_dead_endpoint_rests_before_it_is_ejected() {
    let (good, other, dead) = (fine(), fine(), faulty::refusing());
    let config = CONFIG.replace("{bad}", "{dead}");
    let setup = Program::config(&config).fill("good", &good).fill("other", &other);
    let program = setup.fill("dead", &dead).start();
    assert_eq!(statuses(&program, 15), [200; 15]);
    let connects = "portunus_endpoint_connections_total";
    // One failed connect, and not one for every third request until there are five.
    let failed = program.metrics().sum(connects, &[("result", "failure")]);
    assert!(failed <= 2.0, "{failed}");
}

#[test]
fn one_that_fails_half_of_the_time_is_ejected_by_its_share() {
    let count = AtomicUsize::new(0);
    let half = move |_: &_| match count.fetch_add(1, Relaxed) % 2 {
        0 => Response::status(500),
        _ => Response::text("fine"),
    };
    let (good, bad, other) = (fine(), Origin::new(half), fine());
    let outlier = "{error_rate: 40%, over: 1m, min_requests: 10, eject_for: 1m}";
    let program = start(&shop(outlier), [&good, &bad, &other]);
    eventually("it is ejected", || {
        statuses(&program, 6);
        states(&program) == ["up", "ejected", "up"]
    });
    assert_eq!(statuses(&program, 12), [200; 12]);
    eventually("the metrics tell", || ejections(&program, &bad, "error_rate") == (1.0, 1.0));
}

#[test]
fn one_that_fails_more_than_the_others_is_ejected_by_comparison() {
    let count = AtomicUsize::new(0);
    let some = move |_: &_| match count.fetch_add(1, Relaxed) % 4 {
        0 => Response::status(500),
        _ => Response::text("fine"),
    };
    let (good, bad, other) = (fine(), Origin::new(some), fine());
    let outlier = "{success_rate_stdev: 1.4, over: 1m, min_requests: 10, eject_for: 1m}";
    let program = start(&shop(outlier), [&good, &bad, &other]);
    eventually("it is ejected", || {
        statuses(&program, 6);
        states(&program) == ["up", "ejected", "up"]
    });
    eventually("the metrics tell", || ejections(&program, &bad, "success_rate") == (1.0, 1.0));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow origin is what is tested; nobody waits by it"
)]
fn slow(_: &Request) -> Response {
    std::thread::sleep(Duration::from_millis(150));
    Response::text("fine")
}

#[test]
fn one_that_is_slow_by_far_is_ejected() {
    let (good, bad, other) = (fine(), Origin::new(slow), fine());
    let outlier = "{slower_than: 3x, over: 1m, min_requests: 5, eject_for: 1m}";
    let program = start(&shop(outlier), [&good, &bad, &other]);
    eventually("it is ejected", || {
        statuses(&program, 6);
        states(&program) == ["up", "ejected", "up"]
    });
    eventually("the metrics tell", || ejections(&program, &bad, "latency") == (1.0, 1.0));
    let before = bad.requests().len();
    assert_eq!(statuses(&program, 9), [200; 9]);
    assert_eq!(bad.requests().len(), before);
}

#[test]
fn explain_tells_when_an_endpoint_is_ejected_and_how_it_is_checked() {
    let upstream = "endpoints: http://10.0.0.1, health: {path: /up, slow_start: 30s}, \
         outlier: {error_rate: 50%, slower_than: 5x}";
    let config = format!(
        "upstreams: {{shop: {{{upstream}}}}}\nhosts: {{\"*\": {{routes: {{/**: shop}}}}}}\n"
    );
    let explain = "explain -c portunus.yaml GET http://a.test/";
    let told = Folder::with(&config).run(explain).with_code(0).stdout;
    for line in [
        "health: GET /up every 5s; down after 3 bad ones, up after 2 good ones, slowly within 30s",
        "outlier: an endpoint is out for 30s after 5 answers from 500 on in a row, 5 failures in a row, \
         50% bad in 10s, 5x the others' latency in 10s; 50% at most",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn one_that_breaks_every_body_is_ejected_by_one_result_for_each_exchange() {
    let half = faulty::saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let (good, other) = (fine(), fine());
    let config = shop("{consecutive_failures: 3, eject_for: 1m}");
    let program = start(&config, [&good, &half, &other]);
    for _ in 0..9 {
        let mut client = program.client();
        client.request("GET", "/").start();
        assert!(client.read_head().line.contains(" 200 "));
        _ = client.read_bytes(4);
    }
    wait_for(&program, &["up", "ejected", "up"]);
    assert_eq!(half.requests().len(), 3);
    eventually("it is counted", || {
        ejections(&program, &half, "consecutive_failures") == (1.0, 1.0)
    });
}

#[test]
fn a_rule_that_is_gone_ejects_nobody_by_what_began_under_it() {
    let (good, other) = (fine(), fine());
    let gate = Gate::new();
    let passage = gate.clone();
    let bad = Origin::new(move |_| {
        passage.wait();
        Response::status(500)
    });
    let config = shop("{consecutive_5xx: 3, eject_for: 5m}");
    let program = start(&config, [&good, &bad, &other]);
    let mut waiting: Vec<_> = (0..9).map(|_| program.client()).collect();
    waiting.iter_mut().for_each(|client| client.request("GET", "/").start());
    bad.wait_for(3);
    program.reload(&config.replace("    outlier: {consecutive_5xx: 3, eject_for: 5m}\n", ""));
    gate.open();
    waiting.iter_mut().for_each(|client| _ = client.read());
    assert_eq!(states(&program), ["up", "up", "up"]);
}

#[test]
fn a_reset_by_the_operator_readmits_an_ejected_endpoint() {
    let (good, bad, other) = (fine(), Origin::new(|_| Response::status(500)), fine());
    let program = start(CONFIG, [&good, &bad, &other]);
    statuses(&program, 9);
    wait_for(&program, &["up", "ejected", "up"]);
    let reset = format!("endpoint reset --admin {} shop", program.admin_address());
    let _ = program.folder().run(&reset).with_code(0);
    assert_eq!(states(&program), ["up", "up", "up"]);
}
