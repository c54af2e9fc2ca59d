//! Requests that wait for their turn at an upstream, and limits that find themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use portunus_testkit::{
    Answer, Client, Gate, H2Client, Origin, Program, Response, Transport, eventually, faulty,
};

const CONFIG: &str = r#"
upstreams: {shop: {endpoints: "{origin}", limits: {requests_max: 1, queue: {max: {max}, timeout: "{timeout}"}}}}
log: {access: {format: "{path} {queue_ms}", to: stdout}}
hosts:
  "*":
    routes:
      /**: {to: shop, timeouts: {request: "{total}"}}
      /high/**: {to: shop, priority: high}
      /low/**: {to: shop, priority: low}
"#;

fn start(origin: &Origin, max: u32, timeout: &str, total: &str) -> Program {
    let config = CONFIG.replace("{max}", &max.to_string()).replace("{total}", total);
    Program::config(&config).fill("origin", origin).fill("timeout", timeout).start()
}

/// An origin that answers what ends in `/held` when the gate is open, and all others at once.
fn holding() -> (Origin, Gate) {
    let gate = Gate::new();
    let is_open = gate.clone();
    let answer = move |request: &portunus_testkit::Request| {
        if request.target.ends_with("/held") {
            is_open.wait();
        }
        Response::text("done")
    };
    (Origin::new(answer), gate)
}

fn waiting(program: &Program) -> f64 {
    program.metrics().sum("portunus_upstream_queue_length", &[("upstream", "shop")])
}

fn ended(program: &Program, outcome: &str) -> f64 {
    let labels = [("upstream", "shop"), ("outcome", outcome)];
    program.metrics().sum("portunus_upstream_queue_requests_total", &labels)
}

/// The request that has the only place.
fn hold(program: &Program, origin: &Origin) -> Client {
    let mut held = program.client();
    held.request("GET", "/held").start();
    origin.wait_for(1);
    held
}

/// Requests that come to wait one after the other.
fn enqueue(program: &Program, targets: &[&str]) -> Vec<Client> {
    let before = waiting(program);
    let enqueue = |(count, target): (usize, &&str)| {
        let mut client = program.client();
        client.request("GET", target).start();
        eventually("it waits", || waiting(program) == before + count as f64 + 1.0);
        client
    };
    targets.iter().enumerate().map(enqueue).collect()
}

fn targets(origin: &Origin) -> Vec<String> {
    origin.requests().iter().map(|request| request.target.clone()).collect()
}

fn assert_sent_away(answer: &Answer, reason: &str) {
    answer.assert_own(503, reason);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn requests_wait_for_their_turn_and_higher_classes_come_first() {
    let (origin, gate) = holding();
    let program = start(&origin, 10, "1m", "1m");
    let mut held = hold(&program, &origin);
    let mut queued = enqueue(&program, &["/low/1", "/2", "/3", "/high/4", "/low/5", "/high/6"]);
    assert_eq!(origin.requests().len(), 1);
    gate.open();
    assert_eq!(held.read().text(), "done");
    for client in &mut queued {
        assert_eq!(client.read().text(), "done");
    }
    let order = ["/held", "/high/4", "/high/6", "/2", "/3", "/low/1", "/low/5"];
    assert_eq!(targets(&origin), order);
    assert_eq!((waiting(&program), ended(&program, "served")), (0.0, 6.0));
    let waited = "portunus_upstream_queue_wait_seconds_total";
    assert!(program.metrics().sum(waited, &[("upstream", "shop")]) > 0.0);
    let has = |line: &str, path, waits| {
        line.split_once(' ').is_some_and(|(p, ms)| p == path && (ms != "-") == waits)
    };
    program.wait_for_stdout(|log| log.lines().any(|line| has(line, "/held", false)));
    program.wait_for_stdout(|log| log.lines().any(|line| has(line, "/low/5", true)));
}

#[test]
fn nobody_waits_longer_than_may_be() {
    let (origin, gate) = holding();
    let program = start(&origin, 10, "50ms", "1m");
    let mut held = hold(&program, &origin);
    let mut client = program.client();
    assert_sent_away(&client.get("/"), "upstream.queue_timeout");
    let over_h2 = H2Client::connect(&program.address("web")).get("/");
    over_h2.assert_own(503, "upstream.queue_timeout");
    assert_eq!((waiting(&program), ended(&program, "timeout")), (0.0, 2.0));
    assert_eq!(origin.requests().len(), 1);
    gate.open();
    held.read();
    assert_eq!(client.get("/").text(), "done");
}

#[test]
fn a_wait_is_part_of_the_time_that_the_route_gives() {
    let (origin, gate) = holding();
    let program = start(&origin, 10, "1h", "50ms");
    let mut held = program.client();
    held.request("GET", "/high/held").start();
    origin.wait_for(1);
    program.get("/").assert_own(504, "request.timeout");
    assert_eq!((waiting(&program), ended(&program, "timeout")), (0.0, 1.0));
    gate.open();
    assert_eq!(held.read().text(), "done");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_full_queue_turns_others_away_and_a_higher_class_pushes_the_last_one_out() {
    let (origin, gate) = holding();
    let program = start(&origin, 2, "1m", "1m");
    let mut held = hold(&program, &origin);
    let mut queued = enqueue(&program, &["/low/1", "/low/2"]);
    assert_sent_away(&program.get("/low/3"), "upstream.queue_full");
    let mut client = program.client();
    client.request("GET", "/4").start();
    // A header of the client's is no class.
    client_with_header(&program);
    assert_sent_away(&queued.pop().unwrap().read(), "upstream.queue_full");
    let mut high = program.client();
    high.request("GET", "/high/5").start();
    assert_sent_away(&queued.pop().unwrap().read(), "upstream.queue_full");
    assert_sent_away(&program.get("/6"), "upstream.queue_full");
    gate.open();
    held.read();
    assert_eq!((high.read().status, client.read().status), (200, 200));
    assert_eq!(targets(&origin), ["/held", "/high/5", "/4"]);
    assert_eq!((ended(&program, "full"), ended(&program, "pushed_out")), (3.0, 2.0));
}

fn client_with_header(program: &Program) {
    eventually("the queue is full of others", || waiting(program) == 2.0);
    let mut client = program.client();
    let answer = client.request("GET", "/low/7").header("Priority", "u=0").send();
    assert_sent_away(&answer, "upstream.queue_full");
}

#[test]
fn a_client_that_goes_away_leaves_the_queue() {
    let (origin, gate) = holding();
    let program = start(&origin, 10, "1m", "1m");
    let mut held = hold(&program, &origin);
    let mut queued = enqueue(&program, &["/1", "/2", "/3"]);
    queued.remove(0).reset();
    eventually("it has left", || waiting(&program) == 2.0);
    drop(queued.remove(0));
    eventually("the other one has left", || waiting(&program) == 1.0);
    let over_h2 = H2Client::connect(&program.address("web"));
    let mut stream = over_h2.request("GET", "/4").start().unwrap();
    eventually("another one waits", || waiting(&program) == 2.0);
    stream.cancel();
    eventually("that has left too", || waiting(&program) == 1.0);
    assert_eq!(ended(&program, "left"), 3.0);
    gate.open();
    held.read();
    assert_eq!(queued.remove(0).read().text(), "done");
    assert_eq!(targets(&origin), ["/held", "/3"]);
}

/// An origin that tells how many requests it had at once at most. They wait for the gate, so that as many come together
/// as are let in.
fn counting() -> (Origin, Arc<AtomicUsize>, Gate) {
    let (now, most, gate) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)), Gate::new());
    let (peak, is_open) = (Arc::clone(&most), gate.clone());
    let answer = move |_: &portunus_testkit::Request| {
        peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        is_open.wait();
        now.fetch_sub(1, SeqCst);
        Response::text("done")
    };
    (Origin::new(answer), most, gate)
}

/// Clients that ask as fast as they can, over connections to all workers: each gets all of its answers. The gate is
/// opened once all of them have asked.
fn hurry_through(program: &Program, gate: &Gate, held: f64) {
    thread::scope(|scope| {
        scope.spawn(|| hurry(program));
        eventually("all others wait", || waiting(program) == 16.0 - held);
        gate.open();
    });
}

fn hurry(program: &Program) {
    let address = program.address("web");
    let ask = || {
        let mut client = Client::connect(&address);
        for _ in 0..50 {
            assert_eq!(client.get("/").text(), "done");
        }
    };
    thread::scope(|scope| (0..16).for_each(|_| _ = scope.spawn(ask)));
}

/// Two workers come through two places, with nobody left behind.
fn two_places_serve_all(limit: &str) {
    let (origin, most, gate) = counting();
    let config = CONFIG.replace("requests_max: 1", limit).replace("{max}", "100");
    let config = format!("workers: 2\n{}", config.replace("{total}", "1m"));
    let program = Program::config(&config).fill("origin", &origin).fill("timeout", "1m").start();
    hurry_through(&program, &gate, 2.0);
    assert_eq!(origin.requests().len(), 800);
    assert_eq!(most.load(SeqCst), 2);
    assert!(ended(&program, "served") > 0.0);
    assert_eq!(waiting(&program), 0.0);
}

#[test]
fn workers_share_the_places_and_the_line() {
    two_places_serve_all("requests_max: 2");
}

#[test]
fn requests_wait_for_connections_too() {
    two_places_serve_all("connections_max: 2");
}

/// One connection of HTTP/2 with room for four.
#[test]
fn streams_of_a_shared_connection_are_places() {
    let (gate, now, most) = (Gate::new(), AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (is_open, peak) = (gate.clone(), Arc::clone(&most));
    let origin = Origin::over(Transport::h2(), move |_| {
        peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        is_open.wait();
        now.fetch_sub(1, SeqCst);
        Response::text("done")
    });
    let limits = "connections_max: 1, streams_max: 4";
    let config = CONFIG.replace("requests_max: 1", limits).replace("{max}", "100");
    let config = config.replace("{total}", "1m").replace(", limits:", ", http: 2, limits:");
    let config = format!("workers: 1\n{config}");
    let program = Program::config(&config).fill("origin", &origin).fill("timeout", "1m").start();
    thread::scope(|scope| {
        scope.spawn(|| hurry(&program));
        eventually("all streams are in use", || most.load(SeqCst) == 4);
        eventually("all others wait", || waiting(&program) == 12.0);
        gate.open();
    });
    assert_eq!((origin.requests().len(), most.load(SeqCst)), (800, 4));
}

#[test]
fn a_reload_that_makes_room_lets_in_who_waits_since_before() {
    let (origin, gate) = holding();
    let program = start(&origin, 10, "1m", "1m");
    let mut held = hold(&program, &origin);
    let mut queued = enqueue(&program, &["/1", "/2"]);
    let config = CONFIG.replace("requests_max: 1", "requests_max: 50").replace("{max}", "10");
    let config = config.replace("{total}", "1m").replace("{timeout}", "1m");
    program.reload(&config.replace("{origin}", &origin.to_string()));
    queued.iter_mut().for_each(|client| assert_eq!(client.read().text(), "done"));
    gate.open();
    assert_eq!(held.read().text(), "done");
}

#[test]
fn many_endpoints_that_are_all_busy_hold_nobody_up() {
    let origins: Vec<Origin> = (0..12).map(|_| faulty::silent()).collect();
    let endpoints: Vec<String> = origins.iter().map(ToString::to_string).collect();
    let program = Program::config(
        r#"
upstreams: {shop: {endpoints: [{origins}], limits: {requests_max: 1}}}
hosts: {"*": {routes: {/**: shop}}}
"#,
    )
    .fill("origins", endpoints.join(", "))
    .start();
    let held: Vec<Client> = (0..12)
        .map(|_| {
            let mut client = program.client();
            client.request("GET", "/").start();
            client
        })
        .collect();
    origins.iter().for_each(|origin| _ = origin.wait_for(1));
    assert_sent_away(&program.get("/"), "upstream.busy");
    drop(held);
}

const ADAPTIVE: &str = r#"
upstreams: {shop: {endpoints: "{origin}", limits: {adaptive: {min: 2, max: {max}}{queue}}}}
hosts: {"*": {routes: {/**: shop}}}
"#;

#[test]
fn a_limit_that_finds_itself_sheds_what_is_over_it() {
    let (origin, gate) = holding();
    let config = ADAPTIVE.replace("{max}", "2").replace("{queue}", "");
    let program = Program::config(&config).fill("origin", &origin).start();
    let mut held = [program.client(), program.client()];
    held.iter_mut().for_each(|client| client.request("GET", "/held").start());
    origin.wait_for(2);
    assert_sent_away(&program.get("/"), "upstream.overloaded");
    let limit =
        || program.metrics().sum("portunus_upstream_concurrency_limit", &[("upstream", "shop")]);
    assert_eq!(limit(), 2.0);
    gate.open();
    assert!(held.iter_mut().all(|client| client.read().status == 200));
    assert_eq!(program.get("/").status, 200);
}

#[test]
fn a_limit_that_finds_itself_grows_and_others_wait_for_it() {
    let (origin, _, gate) = counting();
    gate.open();
    let config =
        ADAPTIVE.replace("{max}", "50").replace("{queue}", ", queue: {max: 100, timeout: 2s}");
    let program = Program::config(&format!("workers: 2\n{config}")).fill("origin", &origin).start();
    let limit =
        || program.metrics().sum("portunus_upstream_concurrency_limit", &[("upstream", "shop")]);
    assert_eq!(limit(), 2.0);
    eventually("it has grown", || {
        hurry(&program);
        limit() > 2.0
    });
    program.reload(&config.replace("{origin}", &origin.to_string()).replace("max: 50", "max: 60"));
    // Measurements may have halved it for a moment, but it does not begin anew.
    eventually("it is what it was", || limit() > 2.0);
    assert_eq!(waiting(&program), 0.0);
}

#[test]
fn an_answer_that_lasts_holds_no_place_of_a_limit_that_finds_itself() {
    let origin =
        faulty::saying_then_silent("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ndata: 1\n\n");
    let config = ADAPTIVE.replace("{max}", "2").replace("{queue}", "");
    let program = Program::config(&config).fill("origin", &origin).start();
    let _streams: Vec<Client> = (0..6)
        .map(|_| {
            let mut client = program.client();
            client.request("GET", "/events").start();
            assert!(client.read_head().line.contains(" 200"));
            client
        })
        .collect();
    assert_eq!(origin.requests().len(), 6);
}
