//! Clients and origins that try to confuse the program about whose bytes are whose, and when.

use portunus_testkit::{Client, Gate, Origin, Program, Response, eventually, faulty};

const GET: &str = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";

/// Nothing is under way, by any of the gauges.
pub(crate) fn wait_for_rest(program: &Program) {
    let gauges = ["listener", "route", "upstream", "endpoint"]
        .map(|kind| format!("portunus_{kind}_requests_in_flight"));
    eventually("all gauges are back at zero", || {
        let metrics = program.metrics();
        gauges.iter().all(|gauge| metrics.sum(gauge, &[]) == 0.0)
    });
    assert!(!program.stderr().contains("panicked"), "{}", program.stderr());
}

#[test]
fn the_limit_of_one_exchange_is_not_the_next_one_s() {
    let config = r#"
hosts:
  "*":
    routes:
      /: {to: "{origin}", timeouts: {request: 150ms}}
      /clock: {to: "{silent}", timeouts: {request: 300ms}}
"#;
    let (origin, silent) = (Origin::text("a"), faulty::silent());
    let program = Program::config(config).fill("origin", &origin).fill("silent", &silent).start();
    let mut client = program.client();
    // The second request begins together with the first one and ends after the first one's limit.
    client.send(format!("{GET}GET / HTTP/1.1\r\n"));
    assert_eq!(client.read().text(), "a");
    program.get("/clock").assert_own(504, "request.timeout");
    client.send("Host: shop.test\r\n\r\n");
    assert_eq!(client.read().text(), "a");
}

#[test]
fn an_upload_that_takes_longer_than_the_first_byte_may_is_let_be() {
    let config = r#"
upstreams: {up: {endpoints: "{origin}", timeouts: {first_byte: 300ms}}}
hosts: {"*": {routes: {/: up, /clock: {to: "{silent}", timeouts: {request: 50ms}}}}}
"#;
    let (origin, silent) = (Origin::text("all"), faulty::silent());
    let program = Program::config(config).fill("origin", &origin).fill("silent", &silent).start();
    let mut client = program.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 12\r\n\r\n");
    for _ in 0..12 {
        program.get("/clock").assert_own(504, "request.timeout");
        client.send("a");
    }
    assert_eq!(client.read().text(), "all");
}

#[test]
fn h2c_hides_in_no_list_of_upgrades() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    for protocols in ["h2c", "raw, h2c", "H2C/1, raw"] {
        let mut client = program.client();
        let sending = client.request("GET", "/").header("Connection", "Upgrade, HTTP2-Settings");
        let answer =
            sending.header("HTTP2-Settings", "AAMAAABk").header("Upgrade", protocols).send();
        assert_eq!(answer.text(), "a");
        let request = origin.last();
        let (upgrade, settings) = (request.header("upgrade"), request.header("http2-settings"));
        assert_eq!((upgrade, settings), (None, None), "{protocols}");
    }
}

#[test]
fn http_1_0_does_not_upgrade() {
    let origin = Origin::text("a");
    let program = Program::before(&origin);
    let mut client = program.client();
    let sending = client.request("GET", "/").http10().header("Connection", "Upgrade");
    assert_eq!(sending.header("Upgrade", "raw").send().text(), "a");
    assert_eq!(origin.request().header("upgrade"), None);
}

#[test]
fn a_switch_that_the_route_does_not_allow_is_refused_even_when_the_client_asked() {
    let origin = faulty::saying("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n");
    let config = "hosts: {\"*\": {routes: {/: {to: \"{origin}\", upgrade: false}}}}";
    let program = Program::config(config).fill("origin", &origin).start();
    let mut client = program.client();
    let sending = client.request("GET", "/").header("Connection", "Upgrade");
    sending.header("Upgrade", "raw").send().assert_own(502, "upstream.bad_response");
}

#[test]
fn a_switch_names_the_protocol_that_the_origin_chose() {
    let origin = Origin::raw(|mut peer| {
        let asked = peer.request().unwrap().header("upgrade").unwrap().to_owned();
        assert_eq!(asked, "new/2, raw");
        peer.send("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n");
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    let sending = client.request("GET", "/").header("Connection", "Upgrade");
    sending.header("Upgrade", "new/2, raw").start();
    assert_eq!(client.read_head().headers.one("upgrade"), Some("raw"));
}

#[test]
fn a_request_whose_listener_goes_away_while_it_comes_leaves_no_gauge_behind() {
    let both = r#"
listeners: {web: "127.0.0.1:0", gone: "127.0.0.1:0"}
hosts: {"*": {routes: {/: "{origin}"}}}
"#;
    let origin = Origin::text("a");
    let program = Program::config(both).fill("origin", &origin).start();
    let mut client = Client::connect(&program.address("gone"));
    assert_eq!(client.get("/").text(), "a");
    client.send("GET / HTTP/1.1\r\n");
    program.reload(&both.replace(", gone: \"127.0.0.1:0\"", ""));
    client.send("Host: shop.test\r\n\r\n");
    client.read();
    wait_for_rest(&program);
}

#[test]
fn requests_that_wait_for_a_connection_count_as_in_flight() {
    let config = r#"
upstreams: {far: {endpoints: "{origin}", timeouts: {connect: 5s}, limits: {requests_max: 1}}}
hosts: {"*": {routes: {/: far}}}
"#;
    let origin = faulty::unreachable();
    let program = Program::config(config).fill("origin", &origin).start();
    let mut first = program.client();
    first.request("GET", "/").start();
    let waiting = || program.metrics().sum("portunus_upstream_requests_in_flight", &[]);
    eventually("the first request is under way", || waiting() == 1.0);
    program.get("/").assert_own(503, "upstream.busy");
}

#[test]
fn a_request_that_was_sent_before_a_drain_began_is_answered() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::new(move |request| {
        if request.target == "/slow" {
            opened.wait();
        }
        Response::text("a")
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.request("GET", "/slow").start();
    origin.wait_for(1);
    program.signal(portunus_testkit::Signal::TERM);
    gate.open();
    let answer = client.read();
    assert_eq!(answer.text(), "a");
    client.wait_for_close();
}

#[test]
fn an_origin_that_answers_and_resets_in_the_middle_of_an_upload_harms_nobody_else() {
    let origin = Origin::raw(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        // Unread bytes of the request make it a reset.
    });
    let program = Program::before(&origin);
    for _ in 0..20 {
        let mut client = program.client();
        let body = vec![b'a'; 300_000];
        client.request("POST", "/").body(&body).start();
        let answer = client.read();
        assert!(!answer.is_complete || answer.status == 502, "{answer:?}");
    }
    wait_for_rest(&program);
}

#[test]
fn a_client_that_leaves_after_its_upload_ends_the_request_to_its_origin() {
    let gate = Gate::new();
    let ended = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.wait_for_close();
        gate.open();
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.request("POST", "/").body("abc").start();
    origin.wait_for(1);
    client.reset();
    ended.wait();
    wait_for_rest(&program);
}

#[test]
fn open_connections_follow_the_new_limits_of_their_listener() {
    let config = r#"
listeners: {web: {address: "127.0.0.1:0", timeouts: {header_read: 1m}}}
hosts: {"*": {routes: {/: {respond: a}}}}
"#;
    let program = Program::config(config).start();
    let mut client = program.client();
    assert_eq!(client.get("/").text(), "a");
    program.reload(&config.replace("1m", "100ms"));
    client.send("GET / HTTP/1.1\r\n");
    client.read().assert_own(408, "client.timeout");
}

#[test]
fn a_request_goes_elsewhere_when_its_endpoint_takes_no_more_connections() {
    let gate = Gate::new();
    let opened = gate.clone();
    let slow = move |request: &portunus_testkit::Request| {
        if request.target == "/slow" {
            opened.wait();
        }
        Response::text("a")
    };
    let (first, second) = (Origin::new(slow.clone()), Origin::new(slow));
    let config = r#"
workers: 1
upstreams:
  up:
    endpoints: ["{first}", "{second}"]
    balance: round_robin
    limits: {connections_max: 1}
hosts: {"*": {routes: {/**: {to: up, retry: 2}}}}
"#;
    let program = Program::config(config).fill("first", &first).fill("second", &second).start();
    let mut held = program.client();
    held.request("GET", "/slow").start();
    eventually("one is held", || !(first.requests().is_empty() && second.requests().is_empty()));
    for _ in 0..6 {
        assert_eq!(program.get("/").text(), "a");
    }
    gate.open();
    assert_eq!(held.read().text(), "a");
}
