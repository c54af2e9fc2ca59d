//! Health checks of each kind, against servers that come and go.

use portunus_testkit::{
    Authority, Origin, Program, Response, TlsServer, Transport, eventually, faulty,
};
use serde_json::Value;

use crate::python::Script;

/// Checks that settle a state at once.
const CHECKS: &str = "every: 20ms, healthy_after: 1, unhealthy_after: 1";

/// The state of the endpoints of the upstream `up`, in their order.
fn states(program: &Program) -> Vec<String> {
    let upstreams: Value = serde_json::from_str(program.admin("/api/upstreams").text()).unwrap();
    let endpoints = upstreams[0]["endpoints"].as_array().unwrap();
    let state = |endpoint: &Value| endpoint["state"].as_str().unwrap().to_owned();
    endpoints.iter().map(state).collect()
}

#[track_caller]
fn wait_for(program: &Program, wanted: &[&str]) {
    eventually(&format!("the endpoints are {wanted:?}"), || states(program) == wanted);
}

/// A configuration with one upstream behind everything.
fn config(upstream: &str) -> String {
    let upstream = upstream.replace("{checks}", CHECKS);
    format!("upstreams: {{up: {upstream}}}\nhosts: {{\"*\": {{routes: {{/**: up}}}}}}\n")
}

#[test]
fn grpc_not_serving_takes_an_endpoint_out_and_serving_brings_it_back() {
    let peer = include_str!("../python/grpc_peer.py");
    let Some(mut server) = Script::start(peer, &["serve"]) else { return };
    let port = server.json()["port"].as_u64().unwrap();
    let up =
        "{endpoints: \"http://127.0.0.1:{port}\", http: 2, health: {grpc: shop.Shop, {checks}}}";
    let program = Program::config(&config(up)).fill("port", port).start();
    wait_for(&program, &["up"]);
    for (said, state) in [("2", "down"), ("1", "up"), ("2", "down")] {
        server.say(said);
        assert!(server.json()["checks"].is_u64());
        wait_for(&program, &[state]);
    }
}

#[test]
fn tcp_a_connection_alone_is_enough_and_a_refused_one_is_not() {
    let (silent, refusing) = (faulty::silent(), faulty::refusing());
    let up = "{endpoints: [\"{silent}\", \"{refusing}\"], health: {tcp: true, {checks}}}";
    let setup = Program::config(&config(up)).fill("silent", &silent);
    let program = setup.fill("refusing", &refusing).start();
    wait_for(&program, &["up", "down"]);
}

#[test]
fn tls_an_endpoint_must_show_a_certificate_by_the_upstream_s_authority() {
    let (authority, stranger) = (Authority::new("the test's"), Authority::new("a stranger's"));
    let origin = |authority: &Authority| {
        let tls = TlsServer::new(&authority.issue(&["127.0.0.1"]));
        Origin::over(Transport::both().tls(&tls), |_| Response::text("fine"))
    };
    let (ours, theirs) = (origin(&authority), origin(&stranger));
    for ask in ["path: /health", "tcp: true"] {
        let up = format!(
            "{{endpoints: [\"{{ours}}\", \"{{theirs}}\"], tls: {{ca: ca.pem}}, health: {{{ask}, {{checks}}}}}}"
        );
        let setup = Program::config(&config(&up)).file("ca.pem", &authority.pem());
        let program = setup.fill("ours", &ours).fill("theirs", &theirs).start();
        wait_for(&program, &["up", "down"]);
        for _ in 0..4 {
            assert_eq!(program.get("/").text(), "fine", "{ask}");
        }
    }
}
