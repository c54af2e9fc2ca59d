//! More than the process takes on: it sheds what is beyond, and serves the rest.

use std::path::PathBuf;

use portunus_testkit::{Client, Gate, H2Client, Metrics, Origin, Program, Response, eventually};

/// An origin that answers `/slow` when the gate opens, and all else at once.
fn slow_origin() -> (Origin, Gate) {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::new(move |request| {
        if request.target == "/slow" {
            opened.wait();
        }
        Response::text("a")
    });
    (origin, gate)
}

fn replies(program: &Program, reason: &str) -> f64 {
    program.metrics().sum("portunus_replies_total", &[("reason", reason)])
}

#[test]
fn requests_beyond_the_limit_are_shed_and_health_stays_up() {
    let config = r#"
limits: {requests_max: 1}
hosts: {"*": {routes: {/**: {use: [request_id], to: "{origin}"}}}}
"#;
    let (origin, gate) = slow_origin();
    let program = Program::config(config).fill("origin", &origin).start();
    let mut held = program.client();
    held.request("GET", "/slow").start();
    origin.wait_for(1);
    let mut client = program.client();
    for _ in 0..3 {
        let shed = client.get("/");
        shed.assert_own(503, "overload.requests");
        assert_eq!(shed.header("retry-after"), Some("1"));
        assert!(shed.header("x-request-id").is_none(), "a filter has seen it");
    }
    let over_h2 = H2Client::connect(&program.address("web")).get("/");
    over_h2.assert_own(503, "overload.requests");
    for page in ["/healthz", "/readyz"] {
        assert_eq!(program.admin(page).status, 200);
    }
    assert_eq!(origin.requests().len(), 1);
    gate.open();
    assert_eq!(held.read().text(), "a");
    assert_eq!(client.get("/").text(), "a");
    assert_eq!(replies(&program, "overload.requests"), 4.0);
}

#[test]
fn all_workers_and_listeners_share_the_limit_of_requests() {
    let config = r#"
workers: 2
listeners: {one: "127.0.0.1:0", two: "127.0.0.1:0"}
limits: {requests_max: 3}
hosts: {"*": {routes: {/**: "{origin}"}}}
"#;
    let (origin, gate) = slow_origin();
    let program = Program::config(config).fill("origin", &origin).start();
    let mut held: Vec<Client> = Vec::new();
    for listener in ["one", "two", "one"] {
        let mut client = Client::connect(&program.address(listener));
        client.request("GET", "/slow").start();
        held.push(client);
        origin.wait_for(held.len());
    }
    let get = |listener| Client::connect(&program.address(listener)).get("/");
    get("two").assert_own(503, "overload.requests");
    get("one").assert_own(503, "overload.requests");
    gate.open();
    assert!(held.iter_mut().all(|client| client.read().text() == "a"));
}

#[test]
fn connections_beyond_the_limit_are_closed_and_the_limit_follows_a_reload() {
    let config = r#"
listeners: {one: "127.0.0.1:0", two: "127.0.0.1:0"}
limits: {connections_max: 2}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;
    let program = Program::config(config).start();
    let connect = |listener| Client::connect(&program.address(listener));
    let (mut first, mut second) = (connect("one"), connect("two"));
    assert_eq!((first.get("/").status, second.get("/").status), (200, 200));
    connect("one").wait_for_close();
    connect("two").wait_for_close();
    assert_eq!(replies(&program, "overload.connections"), 2.0);
    let refused = "portunus_listener_connections_refused_total";
    assert_eq!(program.metrics().sum(refused, &[("listener", "two")]), 1.0);
    drop(first);
    let open = || program.metrics().sum("portunus_listener_connections_open", &[]);
    eventually("one connection is left", || open() == 1.0);
    let mut third = connect("one");
    assert_eq!(third.get("/").status, 200);
    program.reload(&config.replace("connections_max: 2", "connections_max: 3"));
    assert_eq!(connect("two").get("/").status, 200);
}

const PER_CLIENT: &str = r#"
listeners:
  plain: "127.0.0.1:0"
  told: {address: "127.0.0.1:0", proxy_protocol: required}
trusted_proxies: [127.0.0.1]
limits: {per_client: {connections_max: 1}}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;

#[test]
fn each_client_may_have_so_many_connections() {
    let program = Program::config(PER_CLIENT).start();
    let connect = |client: &str, target: &str| {
        let mut connection = Client::connect(&program.address("told"));
        connection.send(format!("PROXY {client} {target} 1000 80\r\n"));
        connection
    };
    let of_v4 = |client: &str| connect(&format!("TCP4 {client}"), "192.0.2.9");
    let of_v6 = |client: &str| connect(&format!("TCP6 {client}"), "2001:db8::9");
    let (mut first, mut other) = (of_v4("192.0.2.1"), of_v4("192.0.2.2"));
    assert_eq!((first.get("/").status, other.get("/").status), (200, 200));
    of_v4("192.0.2.1").wait_for_close();
    let mut network = of_v6("2001:db8:0:1::1");
    assert_eq!(network.get("/").status, 200);
    of_v6("2001:db8:0:1:ffff::2").wait_for_close();
    assert_eq!(of_v6("2001:db8:0:2::1").get("/").status, 200);
    assert_eq!(replies(&program, "overload.client_connections"), 2.0);
    drop(first);
    let open = || program.metrics().sum("portunus_listener_connections_open", &[]);
    eventually("the first one is gone", || open() == 2.0);
    assert_eq!(of_v4("192.0.2.1").get("/").status, 200);
}

#[test]
fn a_trusted_proxy_may_have_more() {
    let program = Program::config(PER_CLIENT).start();
    let connect = || Client::connect(&program.address("plain"));
    let (mut first, mut second) = (connect(), connect());
    assert_eq!((first.get("/").status, second.get("/").status), (200, 200));
    let untrusted = PER_CLIENT.replace("[127.0.0.1]", "[127.0.0.2]");
    program.reload(&untrusted);
    let mut counted = connect();
    assert_eq!(counted.get("/").status, 200);
    connect().wait_for_close();
}

#[test]
fn a_listener_has_a_limit_of_its_own() {
    let config = r#"
workers: 1
listeners: {one: {address: "127.0.0.1:0", limits: {requests_max: 1}}, two: "127.0.0.1:0"}
hosts: {"*": {routes: {/**: "{origin}"}}}
"#;
    let (origin, gate) = slow_origin();
    let program = Program::config(config).fill("origin", &origin).start();
    let connect = |listener| Client::connect(&program.address(listener));
    let mut held = connect("one");
    held.request("GET", "/slow").start();
    origin.wait_for(1);
    let mut client = connect("one");
    let shed = client.get("/");
    shed.assert_own(503, "overload.listener_requests");
    assert_eq!(shed.header("retry-after"), Some("1"));
    let over_h2 = H2Client::connect(&program.address("one")).get("/");
    over_h2.assert_own(503, "overload.listener_requests");
    assert_eq!(connect("two").get("/").text(), "a");
    gate.open();
    assert_eq!(held.read().text(), "a");
    assert_eq!(client.get("/").text(), "a");
}

/// Bodies of up to 4 MiB are held until they are whole.
const HOLDS_BODIES: &str = r#"
limits: {memory_max: 96MiB}
hosts:
  "*":
    routes:
      /: {respond: fine}
      /held: {use: [{transform: {request: {body_max: 8MiB, json: [{remove: /a}]}}}], to: "{origin}"}
"#;

#[test]
fn beyond_the_limit_of_memory_requests_are_shed_until_it_is_free_again() {
    let origin = Origin::text("a");
    let program = Program::config(HOLDS_BODIES).fill("origin", &origin).start();
    let mut idle = program.client();
    assert_eq!(idle.get("/").text(), "fine");
    let idle_h2 = H2Client::connect(&program.address("web"));
    let holding: Vec<Client> = (0..32)
        .map(|_| {
            let mut holding = program.client();
            let head =
                "POST /held HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/json\r\n";
            holding.send(format!("{head}Content-Length: 4194304\r\n\r\n"));
            holding.send(vec![b' '; 4_194_303]);
            holding
        })
        .collect();
    eventually("requests are shed", || program.get("/").status == 503);
    let shed = program.get("/");
    shed.assert_own(503, "overload.memory");
    assert_eq!(shed.header("retry-after"), Some("1"));
    assert_eq!(shed.header("connection"), Some("close"));
    // Who has nothing to do gives its memory back.
    idle.wait_for_close();
    idle_h2.wait_for_close().unwrap();
    H2Client::connect(&program.address("web")).get("/").assert_own(503, "overload.memory");
    for page in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(program.admin(page).status, 200);
    }
    program.wait_for_stderr(|line| line.contains("of 96 MiB by `limits.memory_max`"));
    drop(holding);
    eventually("requests are served again", || program.get("/").status == 200);
    program.wait_for_stderr(|line| line.contains("new requests are served again"));
}

#[test]
fn the_limit_of_memory_follows_a_reload() {
    let program = Program::config(HOLDS_BODIES).fill("origin", Origin::text("a")).start();
    let config = "limits: {memory_max: 1MiB}\nhosts: {\"*\": {routes: {/: {respond: fine}}}}\n";
    program.reload(config);
    eventually("requests are shed", || program.get("/").status == 503);
    program.reload(&config.replace("1MiB", "none"));
    eventually("requests are served again", || program.get("/").status == 200);
}

/// The number that the next file descriptor of the program would have.
fn next_file(program: &Program) -> u64 {
    let folder = PathBuf::from(format!("/proc/{}/fdinfo", program.id()));
    (0..).find(|number| !folder.join(number.to_string()).exists()).unwrap()
}

#[test]
fn without_a_file_descriptor_nobody_is_lost_and_it_is_told() {
    let (origin, gate) = slow_origin();
    let program = Program::before(&origin);
    let mut admin = program.admin_client();
    let mut errors = || {
        let metrics = Metrics::parse(admin.get("/metrics").text());
        metrics.sum("portunus_listener_accept_errors_total", &[("listener", "web")])
    };
    let mut held = program.client();
    held.request("GET", "/slow").start();
    origin.wait_for(1);
    assert_eq!(errors(), 0.0);
    program.limit_files(Some(3));
    let mut waiting = program.client();
    waiting.request("GET", "/").start();
    eventually("nothing more is accepted", || errors() > 1.0);
    gate.open();
    assert_eq!(held.read().text(), "a");
    let told = || program.stderr().matches("no connections are accepted for a moment").count();
    program.wait_for_stderr(|line| line.contains("Too many open files"));
    assert_eq!(told(), 1, "each failure is told");
    program.limit_files(None);
    assert_eq!(waiting.read().text(), "a");
}

#[test]
fn whoever_asks_how_it_is_gets_an_answer_when_files_are_short() {
    let (origin, gate) = slow_origin();
    let program = Program::before(&origin);
    let mut held = program.client();
    held.request("GET", "/slow").start();
    origin.wait_for(1);
    program.limit_files(Some(next_file(&program) + 60));
    let mut clients: Vec<_> = (0..100).map(|_| program.client()).collect();
    clients.iter_mut().for_each(|client| client.request("GET", "/slow").start());
    program.wait_for_stderr(|line| line.contains("few file descriptors are left"));
    // Each over a connection of its own.
    for page in ["/readyz", "/healthz", "/metrics"] {
        assert_eq!(program.admin(page).status, 200);
    }
    program.limit_files(None);
    gate.open();
    assert_eq!(held.read().text(), "a");
    clients.iter_mut().for_each(|client| assert_eq!(client.read().text(), "a"));
}

#[test]
fn an_endpoint_is_not_to_blame_for_files_that_we_lack() {
    let origin = Origin::text("a");
    let health = "health: {path: /, every: 20ms, timeout: 10s, unhealthy_after: 1}";
    let program = Program::config(&format!(
        "hosts: {{\"*\": {{routes: {{/: shop}}}}}}\n\
         upstreams: {{shop: {{endpoints: [\"{{origin}}\"], {health}}}}}"
    ))
    .fill("origin", &origin)
    .start();
    let mut admin = program.admin_client();
    let mut errors = || {
        let metrics = Metrics::parse(admin.get("/metrics").text());
        metrics.sum("portunus_listener_accept_errors_total", &[("listener", "web")])
    };
    assert_eq!(errors(), 0.0);
    // A check has been there.
    origin.wait_for(1);
    program.limit_files(Some(3));
    let mut waiting = program.client();
    waiting.request("GET", "/").start();
    // Each failure to accept is followed by a pause as long as that between two checks, and longer.
    eventually("checks were tried without files", || errors() > 5.0);
    program.limit_files(None);
    assert_eq!(waiting.read().text(), "a");
    assert!(!program.stderr().contains("the endpoint is unhealthy"));
}

#[test]
fn idle_connections_are_given_up_for_those_that_have_something_to_do() {
    let (origin, gate) = slow_origin();
    let program = Program::before(&origin);
    let mut held = program.client();
    held.request("GET", "/slow").start();
    origin.wait_for(1);
    let mut idle: Vec<Client> = (0..20).map(|_| program.client()).collect();
    idle.iter_mut().for_each(|client| assert_eq!(client.get("/").text(), "a"));
    let idle_h2 = H2Client::connect(&program.address("web"));
    assert_eq!(idle_h2.get("/").text(), "a");
    program.limit_files(Some(next_file(&program)));
    let mut others = Vec::new();
    for _ in 0..20 {
        let mut client = program.client();
        assert_eq!(client.get("/").text(), "a");
        others.push(client);
    }
    gate.open();
    assert_eq!(held.read().text(), "a");
}

#[test]
fn a_limit_that_the_system_does_not_allow_is_told_at_the_start() {
    let config = r#"
limits: {connections_max: 4000000000}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;
    let program = Program::config(config).start();
    program.wait_for_stderr(|line| {
        line.contains("8000000128 are needed for `limits.connections_max`: raise `LimitNOFILE=`")
    });
}
