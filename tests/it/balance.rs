//! Which endpoint takes a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portunus_testkit::{Client, Gate, Origin, Program, Response, eventually, faulty};

/// How often each answer came.
fn shares(client: &mut Client, count: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..count {
        let answer = client.get("/");
        assert_eq!(answer.status, 200, "{answer:?}");
        *shares.entry(answer.text().to_owned()).or_default() += 1;
    }
    shares
}

fn three() -> [Origin; 3] {
    [Origin::text("a"), Origin::text("b"), Origin::text("c")]
}

fn with_three(config: &str, [a, b, c]: &[Origin; 3]) -> Program {
    Program::config(config).fill("a", a).fill("b", b).fill("c", c).start()
}

#[test]
fn without_a_word_each_endpoint_has_its_turn() {
    let origins = three();
    let config = r#"
hosts: {"*": {routes: {/: ["{a}", "{b}", "{c}"]}}}
"#;
    let program = with_three(config, &origins);
    let mut client = program.client();
    let first: Vec<_> = (0..3).map(|_| client.get("/").text().to_owned()).collect();
    let second: Vec<_> = (0..3).map(|_| client.get("/").text().to_owned()).collect();
    assert_eq!(first, second);
    assert_eq!(shares(&mut client, 9).values().copied().collect::<Vec<_>>(), [3, 3, 3]);
}

#[test]
fn weights_divide_the_requests_exactly() {
    let origins = three();
    let config = r#"
upstreams:
  all: {endpoints: [{url: "{a}", weight: 1}, {url: "{b}", weight: 2}, {url: "{c}", weight: 3}]}
hosts: {"*": {routes: {/: all}}}
"#;
    let program = with_three(config, &origins);
    let shares = shares(&mut program.client(), 12);
    assert_eq!(shares.values().copied().collect::<Vec<_>>(), [2, 4, 6]);
}

#[test]
fn every_algorithm_serves() {
    let names = ["round_robin", "random", "least_requests", "p2c", "ewma", "{hash: {key: path}}"];
    for name in names.into_iter().chain(["{maglev: {key: client_ip}}"]) {
        let origins = three();
        let config = r#"
upstreams: {all: {endpoints: ["{a}", "{b}", "{c}"], balance: {balance}}}
hosts: {"*": {routes: {/: all}}}
"#;
        let program = with_three(&config.replace("{balance}", name), &origins);
        assert_eq!(shares(&mut program.client(), 6).values().sum::<usize>(), 6, "{name}");
    }
}

#[test]
fn the_same_key_stays_at_its_endpoint_and_keys_are_spread() {
    for name in ["hash", "maglev"] {
        let origins = three();
        let config = r#"
upstreams: {all: {endpoints: ["{a}", "{b}", "{c}"], balance: {{balance}: {key: {header: x-user}}}}}
hosts: {"*": {routes: {/: all}}}
"#;
        let program = with_three(&config.replace("{balance}", name), &origins);
        let mut client = program.client();
        let mut ask =
            |user: &str| client.request("GET", "/").header("X-User", user).send().text().to_owned();
        let first: Vec<_> = (0..30).map(|user| ask(&user.to_string())).collect();
        let again: Vec<_> = (0..30).map(|user| ask(&user.to_string())).collect();
        assert_eq!(first, again, "{name}");
        for endpoint in ["a", "b", "c"] {
            assert!(first.iter().any(|answer| answer == endpoint), "{name}: {first:?}");
        }
    }
}

#[test]
fn least_requests_goes_around_an_endpoint_that_is_busy() {
    let gate = Gate::new();
    let named = |name: &'static str| {
        let opened = gate.clone();
        Origin::new(move |request| {
            if request.target == "/slow" {
                opened.wait();
            }
            Response::text(name)
        })
    };
    let (a, b) = (named("a"), named("b"));
    let program = Program::config(
        r#"
upstreams: {all: {endpoints: ["{a}", "{b}"], balance: least_requests}}
hosts: {"*": {routes: {/**: all}}}
"#,
    )
    .fill("a", &a)
    .fill("b", &b)
    .start();
    let mut slow = program.client();
    slow.request("GET", "/slow").start();
    let is_at = |origin: &Origin| !origin.requests().is_empty();
    eventually("the slow request is somewhere", || is_at(&a) || is_at(&b));
    let (busy, idle) = if is_at(&a) { ("a", "b") } else { ("b", "a") };
    assert_eq!(shares(&mut program.client(), 8), BTreeMap::from([(idle.to_owned(), 8)]));
    gate.open();
    assert_eq!(slow.read().text(), busy);
}

#[test]
fn a_backup_serves_only_when_no_other_endpoint_can() {
    let (main, backup) = (Origin::text("main"), Origin::text("backup"));
    let program = Program::config(
        r#"
upstreams:
  all:
    endpoints: ["{main}", {url: "{backup}", backup: true}]
    health: {path: /, every: 50ms, healthy_after: 1, unhealthy_after: 1}
hosts: {"*": {routes: {/: all}}}
"#,
    )
    .fill("main", &main)
    .fill("backup", &backup)
    .start();
    assert_eq!(shares(&mut program.client(), 4), BTreeMap::from([("main".to_owned(), 4)]));
    drop(main);
    eventually("the backup serves", || program.get("/").text() == "backup");
}

#[test]
fn endpoints_of_our_own_zone_come_first() {
    let origins = three();
    let config = r#"
zone: east
upstreams:
  all: {endpoints: [{url: "{a}", zone: west}, {url: "{b}", zone: east}, {url: "{c}", zone: east}]}
hosts: {"*": {routes: {/: all}}}
"#;
    let program = with_three(config, &origins);
    let shares = shares(&mut program.client(), 6);
    assert_eq!(shares, BTreeMap::from([("b".to_owned(), 3), ("c".to_owned(), 3)]));
}

#[test]
fn an_unhealthy_endpoint_gets_no_requests_until_it_is_well_again() {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let a = Origin::new(move |request| match request.target.as_str() {
        "/up" if ill.load(Ordering::SeqCst) => Response::status(500),
        _ => Response::text("a"),
    });
    let b = Origin::text("b");
    let program = Program::config(
        r#"
upstreams:
  all:
    endpoints: ["{a}", "{b}"]
    health: {path: /up, every: 50ms, healthy_after: 2, unhealthy_after: 2}
hosts: {"*": {routes: {/: all}}}
"#,
    )
    .fill("a", &a)
    .fill("b", &b)
    .start();
    let only = |name: &str| shares(&mut program.client(), 4).get(name) == Some(&4);
    let both = || shares(&mut program.client(), 4).len() == 2;
    eventually("both serve", both);
    is_ill.store(true, Ordering::SeqCst);
    eventually("only b serves", || only("b"));
    is_ill.store(false, Ordering::SeqCst);
    eventually("both serve again", both);
}

#[test]
fn with_no_healthy_endpoint_the_answer_is_503_with_the_reason() {
    let origin = faulty::refusing();
    let program = Program::config(
        r#"
upstreams:
  all: {endpoints: "{origin}", health: {path: /, every: 50ms, unhealthy_after: 1}}
hosts: {"*": {routes: {/: all}}}
"#,
    )
    .fill("origin", &origin)
    .start();
    eventually("the endpoint is unhealthy", || program.get("/").status == 503);
    program.get("/").assert_own(503, "upstream.none_usable");
}

#[test]
fn a_name_that_does_not_resolve_stops_neither_the_start_nor_other_routes() {
    let origin = Origin::text("fine");
    let program = Program::config(
        r#"
hosts:
  "*": {routes: {/lost: "http://nowhere.invalid:80", /fine: "{origin}"}}
"#,
    )
    .fill("origin", &origin)
    .start();
    assert_eq!(program.get("/fine").text(), "fine");
    program.get("/lost").assert_own(503, "upstream.unresolved");
}
