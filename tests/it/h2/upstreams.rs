//! Upstreams of HTTP/2: shared connections, their ends, and what may be sent again.

use std::sync::atomic::{AtomicUsize, Ordering};

use portunus_testkit::{Gate, H2Client, Origin, Program, Response, Transport, eventually};

const BY_HTTP_2: &str =
    "upstreams: {up: {endpoints: \"{origin}\", http: 2}}\nhosts: {\"*\": {routes: {/**: up}}}\n";

fn start(origin: &Origin) -> Program {
    Program::config(BY_HTTP_2).fill("origin", origin).start()
}

#[test]
fn requests_at_once_share_a_connection() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        let request = exchange.read_request();
        opened.wait();
        exchange.answer(&Response::text(request.target));
    });
    let program = start(&origin);
    let client = H2Client::connect(&program.address("web"));
    assert!(client.streams_max() >= 100);
    let streams: Vec<_> =
        (0..50).map(|at| client.request("GET", &format!("/{at}")).start().unwrap()).collect();
    origin.wait_for(50);
    gate.open();
    for (at, stream) in streams.into_iter().enumerate() {
        assert_eq!(stream.finish().text(), format!("/{at}"));
    }
    assert!(origin.connections() <= 2, "{} connections", origin.connections());
}

#[test]
fn more_requests_than_one_connection_takes_go_over_another() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        exchange.read_request();
        opened.wait();
        exchange.answer(&Response::text("fine"));
    });
    let config = BY_HTTP_2.replace("http: 2", "http: 2, limits: {streams_max: 10}");
    let program = Program::config(&config).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let streams: Vec<_> = (0..35).map(|_| client.request("GET", "/").start().unwrap()).collect();
    origin.wait_for(35);
    gate.open();
    for stream in streams {
        assert_eq!(stream.finish().text(), "fine");
    }
    let mut per_connection = std::collections::BTreeMap::new();
    for request in origin.requests() {
        *per_connection.entry(request.connection).or_insert(0) += 1;
    }
    assert!(per_connection.len() >= 4, "{per_connection:?}");
    assert!(per_connection.values().all(|count| *count <= 10), "{per_connection:?}");
}

#[test]
fn a_refused_stream_is_asked_again_whatever_the_method() {
    let count = AtomicUsize::new(0);
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            exchange.record();
            return exchange.reset(7);
        }
        let request = exchange.read_request();
        exchange.answer(&Response::text(request.body));
    });
    let program = start(&origin);
    let answer = program.client().request("POST", "/").body("pay").send();
    assert_eq!((answer.status, answer.text()), (200, "pay"));
    assert_eq!(origin.requests().len(), 2);
    assert_eq!(program.metrics().sum("portunus_upstream_retries_total", &[]), 1.0);
}

#[test]
fn a_stream_that_was_reset_in_its_middle_is_not_asked_again() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.read_request();
        // INTERNAL_ERROR: it may have been processed.
        exchange.reset(2);
    });
    let program = start(&origin);
    program.client().request("POST", "/").body("pay").send().assert_own(502, "upstream.reset");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn after_a_goaway_new_requests_go_over_a_new_connection() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        let request = exchange.read_request();
        if request.target == "/last" {
            exchange.goaway();
        }
        exchange.answer(&Response::text(request.target));
    });
    let program = start(&origin);
    let mut client = program.client();
    for (target, connection) in [("/first", 1), ("/last", 1)] {
        assert_eq!(client.get(target).text(), target);
        assert_eq!(origin.last().connection, connection);
    }
    for at in 0..20 {
        let target = format!("/{at}");
        assert_eq!(client.get(&target).text(), target);
    }
    eventually("the old connection is used no more", || {
        client.get("/again");
        origin.last().connection == 2
    });
}

#[test]
fn what_runs_when_the_goaway_comes_ends_as_it_should() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        let request = exchange.read_request();
        if request.target == "/slow" {
            exchange.begin(200, &[]);
            exchange.send("first ");
            exchange.goaway();
            opened.wait();
            exchange.send("last");
            return exchange.end();
        }
        exchange.answer(&Response::text("fine"));
    });
    let program = start(&origin);
    let client = H2Client::connect(&program.address("web"));
    let mut slow = client.request("GET", "/slow").start().unwrap();
    assert_eq!(slow.read(6), b"first ");
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "fine");
    }
    gate.open();
    assert_eq!(slow.finish().text(), "last");
}

#[test]
fn a_connection_that_breaks_takes_its_own_streams_alone() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        let request = exchange.read_request();
        match request.target.as_str() {
            "/break" => exchange.abort(2),
            _ => exchange.answer(&Response::text("fine")),
        }
    });
    let program = start(&origin);
    let client = H2Client::connect(&program.address("web"));
    assert_eq!(client.get("/").text(), "fine");
    let answer = client.request("POST", "/break").body("a").send();
    assert_eq!(answer.status, 502, "{answer:?}");
    assert_eq!(client.get("/").text(), "fine");
    assert_eq!(origin.last().connection, 2);
}

#[test]
fn a_client_that_goes_away_resets_its_stream_and_not_the_connection() {
    let gone = Gate::new();
    let seen = gone.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        exchange.record();
        match exchange.request().target.as_str() {
            "/wait" => {
                if exchange.wait_for_reset().is_some() {
                    seen.open();
                }
            }
            _ => exchange.answer(&Response::text("fine")),
        }
    });
    let program = start(&origin);
    let mut client = program.client();
    client.request("GET", "/wait").start();
    origin.wait_for(1);
    client.reset();
    gone.wait();
    assert_eq!(program.get("/").text(), "fine");
    assert_eq!(origin.connections(), 1);
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn a_reload_keeps_the_connections_of_an_upstream_that_did_not_change() {
    let origin = Origin::over(Transport::h2(), |_| Response::text("fine"));
    let program = start(&origin);
    let mut client = program.client();
    assert_eq!(client.get("/").text(), "fine");
    program.reload(&format!("{BY_HTTP_2}# again\n"));
    assert_eq!(client.get("/").text(), "fine");
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_upstream_that_speaks_no_http_2_is_told_by_a_502() {
    let origin = Origin::text("plain");
    let program = start(&origin);
    let answer = program.get("/");
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(
        answer.headers.all("proxy-status").any(|value| value.contains("upstream.")),
        "{answer:?}"
    );
}

#[test]
fn many_requests_leave_neither_connections_nor_descriptors_behind() {
    let origin = Origin::over(Transport::h2(), |_| Response::text("fine"));
    let program = start(&origin);
    let open = || program.metrics().sum("process_open_fds", &[]);
    let client = H2Client::connect(&program.address("web"));
    assert_eq!(client.get("/").text(), "fine");
    let before = open();
    for _ in 0..300 {
        assert_eq!(client.get("/").text(), "fine");
    }
    assert!(open() <= before + 2.0, "{} descriptors", open());
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_answer_that_ends_with_its_head_has_an_end_in_http_1_too() {
    for status in [200, 302, 404] {
        let origin = Origin::over(Transport::h2(), move |request| match request.target.as_str() {
            "/empty" => Response::status(status),
            _ => Response::text("next"),
        });
        let program = start(&origin);
        let mut client = program.client();
        let empty = client.get("/empty");
        assert_eq!((empty.status, empty.text(), empty.is_complete), (status, "", true));
        // Over the same connection.
        assert_eq!(client.get("/").text(), "next");
    }
}

#[test]
fn content_behind_a_head_that_has_none_is_no_answer_to_the_next_request() {
    for status in [204, 304] {
        let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
            if exchange.read_request().target == "/" {
                return exchange.answer(&Response::text("good"));
            }
            exchange.begin(status, &[]);
            exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
            exchange.end();
        });
        let program = start(&origin);
        let mut client = program.client();
        let answer = client.get("/none");
        assert!(answer.status == status || answer.status == 502, "{answer:?}");
        // What comes next over the connection is its end, and nothing before.
        if answer.status == status {
            client.wait_for_close();
        }
        assert_eq!(program.client().get("/").text(), "good");
    }
}
