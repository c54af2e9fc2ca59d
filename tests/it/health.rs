//! Health checks of each kind, against servers that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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

#[test]
fn body_an_answer_must_have_the_text_in_it() {
    let origin = |text: &'static str| Origin::new(move |_| Response::text(text));
    let (ok, bad) = (origin("{\"status\": \"ok\"}"), origin("{\"status\": \"bad\"}"));
    for body in ["'\"ok\"'", "'~ \"status\": *\"(ok|fine)\"'"] {
        let up = format!(
            "{{endpoints: [\"{{ok}}\", \"{{bad}}\"], health: {{path: /up, body: {body}, {{checks}}}}}}"
        );
        let program = Program::config(&config(&up)).fill("ok", &ok).fill("bad", &bad).start();
        wait_for(&program, &["up", "down"]);
        let reason = "is not in what it answered";
        program.wait_for_stderr(|log| {
            log.contains("the endpoint is unhealthy") && log.contains(reason)
        });
    }
}

#[test]
fn body_only_its_beginning_is_looked_at() {
    let origin = |before: usize| {
        let body = format!("{}needle", "x".repeat(before));
        Origin::new(move |_| Response::text(&body))
    };
    let (near, far) = (origin(60_000), origin(70_000));
    let up = "{endpoints: [\"{near}\", \"{far}\"], health: {path: /, body: needle, {checks}}}";
    let program = Program::config(&config(up)).fill("near", &near).fill("far", &far).start();
    wait_for(&program, &["up", "down"]);
}

#[test]
fn headers_and_method_are_those_of_the_configuration() {
    let origin = Origin::new(|request| {
        let knows = request.header("x-token") == Some("s3cret");
        let is_asked = request.method == "HEAD" && request.header("user-agent") == Some("probe/1");
        Response::status(if knows && is_asked { 204 } else { 403 })
    });
    let health =
        "{path: /up, method: HEAD, headers: {X-Token: s3cret, User-Agent: probe/1}, {checks}}";
    let up = format!("{{endpoints: \"{{origin}}\", health: {health}}}");
    let program = Program::config(&config(&up)).fill("origin", &origin).start();
    origin.wait_for(3);
    assert_eq!(states(&program), ["up"]);
    program.reload(&config(&up.replace("s3cret", "other")));
    wait_for(&program, &["down"]);
}

#[test]
fn port_a_check_may_have_its_own_also_over_tls() {
    let authority = Authority::new("the test's");
    let tls = || {
        let server = TlsServer::new(&authority.issue(&["127.0.0.1"]));
        Transport::both().tls(&server)
    };
    for is_tls in [false, true] {
        let transport = || if is_tls { tls() } else { Transport::h1() };
        let is_ill = Arc::new(AtomicBool::new(false));
        let ill = Arc::clone(&is_ill);
        let origin = Origin::over(transport(), |_| Response::text("served"));
        let own = Origin::over(transport(), move |_| match ill.load(Relaxed) {
            true => Response::status(503),
            false => Response::text("fine"),
        });
        let port = own.address().port();
        let tls = if is_tls { "tls: {ca: ca.pem}, " } else { "" };
        let up = format!(
            "{{endpoints: \"{{origin}}\", {tls}health: {{path: /up, port: {port}, {{checks}}}}}}"
        );
        let setup = Program::config(&config(&up)).file("ca.pem", &authority.pem());
        let program = setup.fill("origin", &origin).start();
        assert_eq!(own.wait_for(2).host(), Some(&*format!("127.0.0.1:{port}")));
        assert_eq!((states(&program), program.get("/").text()), (vec!["up".to_owned()], "served"));
        is_ill.store(true, Relaxed);
        wait_for(&program, &["down"]);
        assert!(origin.requests().iter().all(|request| request.target == "/"));
    }
}

#[test]
fn a_verdict_survives_a_reload_that_is_about_something_else() {
    let (fine, ill) = (Origin::text("fine"), Origin::new(|_| Response::status(500)));
    // The second check is an hour away: what is said after a reload is what was said before.
    let up =
        "{endpoints: [\"{fine}\", \"{ill}\"], health: {path: /, every: 1h, unhealthy_after: 1}}";
    let program = Program::config(&config(up)).fill("fine", &fine).fill("ill", &ill).start();
    wait_for(&program, &["up", "down"]);
    program.reload(&config(up).replace("routes: {", "routes: {/new: {respond: new}, "));
    assert_eq!(program.get("/new").text(), "new");
    assert_eq!(states(&program), ["up", "down"]);
    assert_eq!((0..6).map(|_| program.get("/").status).max(), Some(200));
    assert_eq!(ill.requests().len(), 1);
}

/// How many of `count` requests an endpoint got.
fn share(program: &Program, origin: &Origin, count: usize) -> usize {
    let requests = || origin.requests().iter().filter(|one| one.target == "/").count();
    let before = requests();
    let mut client = program.client();
    (0..count).for_each(|_| _ = client.get("/"));
    requests() - before
}

#[test]
fn slow_start_an_endpoint_that_is_back_begins_with_a_small_share_also_after_a_reload() {
    let is_ill = Arc::new(AtomicBool::new(true));
    let ill = Arc::clone(&is_ill);
    let back = Origin::new(move |request| match request.target.as_str() {
        "/up" if ill.load(Relaxed) => Response::status(500),
        _ => Response::text("back"),
    });
    let other = Origin::text("other");
    let up =
        "{endpoints: [\"{back}\", \"{other}\"], health: {path: /up, slow_start: 1h, {checks}}}";
    let program = Program::config(&config(up)).fill("back", &back).fill("other", &other).start();
    wait_for(&program, &["down", "up"]);
    is_ill.store(false, Relaxed);
    wait_for(&program, &["up", "up"]);
    // A tenth of an equal share is 18 of 200; 60 is ten standard deviations away, and 100 an equal one.
    let first = share(&program, &back, 200);
    assert!((1..60).contains(&first), "{first}");
    program.reload(&config(up).replace("routes: {", "routes: {/new: {respond: new}, "));
    let then = share(&program, &back, 200);
    assert!((1..60).contains(&then), "{then}");
    program.reload(&config(&up.replace("slow_start: 1h, ", "")));
    eventually("it has its whole share", || share(&program, &back, 40) == 20);
}

#[test]
fn without_checks_nobody_stays_down_and_other_checks_go_on_from_what_was_said() {
    let (fine, ill) = (Origin::text("fine"), Origin::new(|_| Response::status(500)));
    let up =
        "{endpoints: [\"{fine}\", \"{ill}\"], health: {path: /, every: 1h, unhealthy_after: 1}}";
    let program = Program::config(&config(up)).fill("fine", &fine).fill("ill", &ill).start();
    wait_for(&program, &["up", "down"]);
    program.reload(&config(&up.replace("path: /,", "path: /other,")));
    ill.wait_for(2);
    assert_eq!(states(&program), ["up", "down"]);
    program.reload(&config("{endpoints: [\"{fine}\", \"{ill}\"]}"));
    wait_for(&program, &["up", "up"]);
}

#[test]
fn a_stream_that_never_ends_is_healthy_by_its_head_and_by_what_it_says() {
    let stream = || {
        faulty::saying_then_silent(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ready\n\n",
        )
    };
    for body in ["", "body: ready, ", "body: '~ re.dy', "] {
        let (stream, ill) = (stream(), Origin::new(|_| Response::status(500)));
        let up = format!(
            "{{endpoints: [\"{{stream}}\", \"{{ill}}\"], health: {{path: /, {body}timeout: 1s, {{checks}}}}}}"
        );
        let setup = Program::config(&config(&up)).fill("stream", &stream);
        let program = setup.fill("ill", &ill).start();
        wait_for(&program, &["up", "down"]);
        // The second check begins when the first one has ended well, and would be late otherwise.
        stream.wait_for(3);
        assert_eq!(states(&program), ["up", "down"]);
    }
}

#[test]
fn values_of_headers_are_secrets_wherever_they_are_printed() {
    let origin = Origin::text("fine");
    let up =
        "{endpoints: \"{origin}\", health: {path: /, headers: {authorization: Bearer s3cret}}}";
    let program = Program::config(&config(up)).fill("origin", &origin).start();
    let asked = origin.wait_for(1);
    assert_eq!(asked.header("authorization"), Some("Bearer s3cret"));
    for broken in [
        config(&up.replace("path: /,", "path: /, every: soon,")),
        // What cannot be read at all has secrets that nobody knows.
        config(up).replace("s3cret}}}", "s3cret}}}}}"),
    ] {
        assert!(!program.try_reload(&broken));
        let status = program.admin("/api/status");
        let error = status.json()["last_reload"]["error"].as_str().unwrap().to_owned();
        assert!(!error.is_empty() && !error.contains("s3cret"), "{error}");
        let shown = program.admin("/api/config");
        assert!(shown.text().contains("[hidden]") && !shown.text().contains("s3cret"));
    }
}
