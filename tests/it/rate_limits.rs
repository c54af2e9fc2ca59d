//! How much may be asked for, over the whole program.

use std::thread;

use portunus_testkit::{
    Answer, Client, Folder, Gate, Origin, Program, RedisServer, Response, Signal, eventually,
};

/// A configuration whose one route is limited so.
fn config(uses: &str) -> String {
    format!("hosts:\n  \"*\":\n    use: {uses}\n    routes: {{/**: \"{{origin}}\"}}\n")
}

fn limited(uses: &str, origin: &Origin) -> Program {
    Program::config(&config(uses)).fill("origin", origin).start()
}

fn statuses(client: &mut Client, count: usize) -> Vec<u16> {
    (0..count).map(|_| client.get("/").status).collect()
}

fn decisions(program: &Program, decision: &str) -> f64 {
    program.metrics().sum("portunus_filter_decisions_total", &[("decision", decision)])
}

fn with_key(client: &mut Client, key: &str) -> Answer {
    client.request("GET", "/").header("X-Api-Key", key).send()
}

#[test]
fn a_client_gets_what_it_may_and_is_told() {
    let origin = Origin::text("fine");
    let program = limited("[{rate_limit: 2/h per client_ip}]", &origin);
    let mut client = program.client();
    let first = client.get("/");
    assert_eq!((first.status, first.text()), (200, "fine"));
    assert_eq!(first.header("ratelimit-policy"), Some("\"default\";q=2;w=3600"));
    assert_eq!(first.header("ratelimit"), Some("\"default\";r=1;t=1800"));
    assert_eq!(client.get("/").header("ratelimit").unwrap().split(';').nth(1), Some("r=0"));
    let refused = client.get("/");
    refused.assert_own(429, "limit.rate");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1790..=1800).contains(&wait), "{refused:?}");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"default\";r=0;t=3"));
    assert_eq!(origin.requests().len(), 2);
    assert_eq!(decisions(&program, "rate_limit.allowed"), 2.0);
    assert_eq!(decisions(&program, "rate_limit.limited"), 1.0);
}

#[test]
fn who_waits_as_told_may_come_again() {
    let origin = Origin::text("fine");
    let program = limited("[{rate_limit: 1/s}]", &origin);
    let mut client = program.client();
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/").header("retry-after"), Some("1"));
    eventually("a second has passed", || client.get("/").status == 200);
}

#[test]
fn several_workers_count_together() {
    let origin = Origin::text("fine");
    let text = format!("workers: 2\n{}", config("[{rate_limit: 60/h per client_ip}]"));
    let program = Program::config(&text).fill("origin", &origin).start();
    let passed: usize = thread::scope(|scope| {
        let clients = [(); 4].map(|()| {
            scope.spawn(|| {
                let ask = |_| program.get("/").status == 200;
                (0..30).filter(|at| ask(*at)).count()
            })
        });
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!((passed, origin.requests().len()), (60, 60));
}

#[test]
fn a_reload_keeps_what_was_used() {
    let origin = Origin::text("fine");
    let program = limited("[{rate_limit: 3/h per client_ip}, {quota: 9/d per client_ip}]", &origin);
    let mut client = program.client();
    assert_eq!(statuses(&mut client, 2), [200, 200]);
    program.reload(&config(
        "[{ip: {deny: [192.0.2.0/24]}}, {rate_limit: {rate: 3/h, per: client_ip, headers: both}}, {quota: 9/d per client_ip}]",
    ));
    let third = client.get("/");
    assert_eq!((third.status, third.header("x-ratelimit-remaining")), (200, Some("0")));
    let quota = third.headers.all("ratelimit").find(|value| value.contains("r=6"));
    assert!(quota.is_some(), "{third:?}");
    assert_eq!(statuses(&mut client, 1), [429]);
}

#[test]
fn a_dry_run_only_counts() {
    let origin = Origin::text("fine");
    let program = limited("[{rate_limit: {rate: 1/h, dry_run: true}}]", &origin);
    let mut client = program.client();
    assert_eq!(statuses(&mut client, 4), [200; 4]);
    assert_eq!(client.get("/").header("ratelimit"), None);
    assert_eq!(decisions(&program, "rate_limit.would_limit"), 4.0);
    assert_eq!(decisions(&program, "rate_limit.limited"), 0.0);
}

const CONSUMERS: &str = r#"
consumers:
  - {name: ann, keys: [key-of-ann-is-long-enough], plan: gold}
  - {name: bob, keys: [key-of-bob-is-long-enough], plan: gold}
  - {name: eve, keys: [key-of-eve-is-long-enough], plan: tin}
plans: {gold: {rate: 2/h, quota: 100/d}, tin: {rate: 9/h, quota: 1/month}}
"#;

#[test]
fn consumers_have_the_limits_of_their_plans() {
    let origin = Origin::text("fine");
    let text = format!("{CONSUMERS}{}", config("[api_key, {rate_limit: plan}, {quota: plan}]"));
    let program = Program::config(&text).fill("origin", &origin).start();
    let mut client = program.client();
    let mut ask = |who: &str| with_key(&mut client, &format!("key-of-{who}-is-long-enough"));
    let first = ask("ann");
    assert_eq!(first.status, 200);
    let policies: Vec<_> = first.headers.all("ratelimit-policy").collect();
    assert_eq!(policies, ["\"gold\";q=2;w=3600", "\"gold\";q=100;w=86400"]);
    assert_eq!(ask("ann").status, 200);
    ask("ann").assert_own(429, "limit.rate");
    assert_eq!(ask("bob").status, 200);
    assert_eq!(ask("eve").status, 200);
    ask("eve").assert_own(429, "limit.quota");
}

#[test]
fn a_quota_survives_a_restart() {
    let origin = Origin::text("fine");
    let text = format!("{CONSUMERS}{}", config("[api_key, {quota: 3/month}]"));
    let mut program = Program::config(&text).fill("origin", &origin).start();
    let ask =
        |program: &Program| with_key(&mut program.client(), "key-of-ann-is-long-enough").status;
    assert_eq!([ask(&program), ask(&program)], [200, 200]);
    program.signal(Signal::TERM);
    assert_eq!(program.wait(), Some(0), "{}", program.stderr());
    let program = program.kill_and_start();
    assert_eq!([ask(&program), ask(&program)], [200, 429]);
}

#[test]
fn floods_of_keys_are_bounded() {
    let origin = Origin::text("fine");
    let program =
        limited("[{rate_limit: {rate: 5/h, per: \"header:X-Tenant\", keys_max: 100}}]", &origin);
    let mut client = program.client();
    for at in 0..2000 {
        let answer = client.request("GET", "/").header("X-Tenant", &format!("t{at}")).send();
        assert_eq!(answer.status, 200);
    }
    let mut ask = || client.request("GET", "/").header("X-Tenant", "last").send().status;
    assert_eq!([(); 6].map(|()| ask()), [200, 200, 200, 200, 200, 429]);
}

#[test]
fn the_size_of_answers_can_be_the_cost() {
    let origin = Origin::text("0123456789");
    let program = limited("[{rate_limit: {rate: 20/h, cost: {response_bytes: 1B}}}]", &origin);
    let mut client = program.client();
    assert_eq!(statuses(&mut client, 3), [200, 200, 429]);
}

/// An origin that answers when its gate is open.
fn gated() -> (Origin, Gate) {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        opened.wait();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine");
    });
    (origin, gate)
}

#[test]
fn so_many_are_under_way_at_once() {
    let (origin, gate) = gated();
    let program = limited("[{concurrency: 2 per client_ip}]", &origin);
    let mut clients = [program.client(), program.client()];
    clients.iter_mut().for_each(|client| client.request("GET", "/").start());
    origin.wait_for(2);
    program.get("/").assert_own(429, "limit.concurrency");
    gate.open();
    clients.iter_mut().for_each(|client| assert_eq!(client.read().text(), "fine"));
    eventually("both have made room", || program.get("/").status == 200);
}

#[test]
fn a_client_that_goes_away_makes_room() {
    let (origin, _gate) = gated();
    let program = limited("[{concurrency: 1}]", &origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.get("/").assert_own(503, "limit.concurrency");
    client.reset();
    eventually("there is room", || {
        let mut next = program.client();
        next.request("GET", "/").start();
        next.reset();
        origin.requests().len() > 1
    });
}

#[test]
fn some_requests_wait_for_room() {
    let (origin, gate) = gated();
    let program = limited("[{concurrency: {max: 1, queue: {max: 1, timeout: 60s}}}]", &origin);
    let mut first = program.client();
    first.request("GET", "/").start();
    origin.wait_for(1);
    let mut second = program.client();
    second.request("GET", "/").start();
    // One waits, so that the next is refused; until then the next waits itself.
    eventually("somebody is refused", || {
        let mut next = program.client();
        next.request("GET", "/").start();
        next.reset();
        decisions(&program, "concurrency.limited") > 0.0
    });
    gate.open();
    assert_eq!((first.read().text(), second.read().text()), ("fine", "fine"));
}

#[test]
fn who_waits_for_room_is_bound_by_its_time_and_goes_with_its_client() {
    let (origin, gate) = gated();
    let route = "{to: \"{origin}\", timeouts: {request: 50ms}}";
    let uses = "[{concurrency: {max: 1, queue: {max: 1, timeout: 1h}}}]";
    let config = config(uses)
        .replace("{/**: \"{origin}\"}", &format!("{{/**: \"{{origin}}\", /short: {route}}}"));
    let program = Program::config(&config).fill("origin", &origin).start();
    let mut first = program.client();
    first.request("GET", "/").start();
    origin.wait_for(1);
    program.get("/short").assert_own(504, "request.timeout");
    for resets in [true, false] {
        let mut gone = program.client();
        gone.request("GET", "/gone").start();
        match resets {
            true => gone.reset(),
            false => drop(gone),
        }
        // It has left its place in the queue: this one would be refused otherwise.
        eventually("there is a place", || program.get("/short").status == 504);
    }
    gate.open();
    assert_eq!(first.read().text(), "fine");
    assert_eq!(program.get("/").text(), "fine");
    assert_eq!(origin.requests().len(), 2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "no body comes sooner than its rate allows")]
fn bodies_take_their_time_and_arrive_whole() {
    const BODY: usize = 300_000;
    let origin = Origin::new(|request| Response::text("y".repeat(request.body.len())));
    let program = limited(
        "[{bandwidth: {rate: 1MB/s, per: request, direction: both, burst: 50KB}}]",
        &origin,
    );
    let start = std::time::Instant::now();
    let mut client = program.client();
    let answer = client.request("POST", "/").body("x".repeat(BODY)).send();
    assert_eq!((answer.status, answer.text().len()), (200, BODY));
    // No faster than each way allows; how much slower is up to the machine.
    assert!(start.elapsed().as_millis() >= 500, "{:?}", start.elapsed());
}

#[test]
fn explain_says_what_is_left_and_takes_nothing() {
    let folder = Folder::with(
        "hosts: {\"*\": {use: [{rate_limit: 100/s per client_ip}], routes: {/: {respond: a}}}}\n",
    );
    let finished = folder.run("explain -c portunus.yaml GET http://shop.test/");
    assert!(finished.stdout.contains("100 of 100/s left"), "{finished:?}");
}

#[test]
fn nodes_share_a_limit_through_redis() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let origin = Origin::text("fine");
    for (mode, least, most) in [("exact", 40, 40), ("batch", 36, 44)] {
        let uses = format!(
            "[{{rate_limit: {{rate: 40/h, name: {mode}, store: redis, mode: {mode}, fail: closed}}}}]"
        );
        let text =
            format!("stores: {{redis: {{url: \"{{redis}}\", timeout: 10s}}}}\n{}", config(&uses));
        let node = || {
            let setup = Program::config(&text).fill("origin", &origin);
            setup.fill("redis", server.url()).start()
        };
        let nodes = [node(), node()];
        let ask = |node: &Program| statuses(&mut node.client(), 40);
        let answers = nodes.each_ref().map(ask).concat();
        let passed = answers.iter().filter(|status| **status == 200).count();
        assert!((least..=most).contains(&passed), "{mode}: {answers:?}");
        assert!(answers.iter().all(|status| [200, 429].contains(status)), "{mode}: {answers:?}");
    }
}

#[test]
fn a_redis_that_is_away_stops_nobody_unless_told() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let origin = Origin::text("fine");
    for (fail, expected) in
        [("open", [200; 4]), ("closed", [503; 4]), ("local", [200, 200, 429, 429])]
    {
        let uses = format!("[{{rate_limit: {{rate: 2/h, store: redis, fail: {fail}}}}}]");
        let text = format!("stores: {{redis: \"{{redis}}\"}}\n{}", config(&uses));
        let setup = Program::config(&text).fill("origin", &origin);
        let program = setup.fill("redis", server.url()).start();
        server.kill();
        let mut client = program.client();
        assert_eq!(statuses(&mut client, 4), expected, "{fail}");
        if fail == "closed" {
            client.get("/").assert_own(503, "limit.store");
        }
        server.run();
    }
}

#[test]
fn nodes_share_a_quota_through_redis() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let origin = Origin::text("fine");
    let text = format!(
        "stores: {{redis: {{url: \"{{redis}}\", timeout: 10s}}}}\n{}",
        config("[{quota: {limit: [3/d, 5/month], per: client_ip, store: redis, fail: closed}}]")
    );
    let node = || {
        let setup = Program::config(&text).fill("origin", &origin);
        setup.fill("redis", server.url()).start()
    };
    let (one, two) = (node(), node());
    assert_eq!(statuses(&mut one.client(), 2), [200, 200]);
    assert_eq!(statuses(&mut two.client(), 2), [200, 429]);
}
