//! A second endpoint for requests whose first one takes long.

use portunus_testkit::{
    Answer, Gate, H2Client, Origin, Program, Response, Setup, Transport, eventually,
};

/// The first endpoint gets each request at first; the second one is a backup.
const CONFIG: &str = r#"
upstreams:
  shop:
    endpoints: ["{first}", {url: "{second}", backup: true}]
    http: {http}
    outlier: {consecutive_failures: 1}
    breaker: {min_requests: 1, error_rate: 1%, open_for: 1h}
log: {access: {to: stdout}}
hosts: {"*": {routes: {/**: {to: shop, retry: {attempts: 2, on: [connect, reset, 503], hedge: "{after}"}}}}}
"#;

fn setup(first: &Origin, second: &Origin, http: &str, after: &str) -> Setup {
    let config = CONFIG.replace("{http}", http);
    Program::config(&config).fill("first", first).fill("second", second).fill("after", after)
}

/// An endpoint that never answers, and tells when it is left.
fn stuck() -> (Origin, Gate) {
    let left = Gate::new();
    let is_left = left.clone();
    let origin = Origin::raw(move |mut peer| {
        if peer.request().is_some() {
            peer.wait_for_close();
            is_left.open();
        }
    });
    (origin, left)
}

/// Hedges, those that won, and retries.
fn counts(program: &Program) -> [f64; 3] {
    let metrics = program.metrics();
    let names = ["hedges_total", "hedge_wins_total", "retries_total"];
    names.map(|name| metrics.sum(&format!("portunus_upstream_{name}"), &[("upstream", "shop")]))
}

/// Nothing is under way at any endpoint.
fn assert_idle(program: &Program) {
    eventually("nothing is under way", || {
        program.metrics().sum("portunus_endpoint_requests_in_flight", &[]) == 0.0
    });
}

fn assert_text(answer: &Answer, text: &str) {
    assert_eq!((answer.status, answer.text()), (200, text), "{answer:?}");
}

#[test]
fn a_second_endpoint_answers_for_one_that_takes_long() {
    let ((first, left), second) = (stuck(), Origin::text("second"));
    let program = setup(&first, &second, "1", "20ms").start();
    // An attempt that is taken back is no failure: the first endpoint is asked again.
    for asked in 1..=2 {
        assert_text(&program.get("/"), "second");
        left.wait();
        first.wait_for(asked);
        assert_eq!(second.requests().len(), asked);
    }
    assert_eq!(counts(&program), [2.0, 2.0, 0.0]);
    assert_idle(&program);
    let line = program.wait_for_stdout(|line| line.contains("\"attempts\":2"));
    assert!(line.contains(&second.address().to_string()), "{line}");
}

#[test]
fn the_other_attempt_ends_with_the_head_of_an_answer() {
    let (first, left) = stuck();
    let second = Origin::raw(move |mut peer| {
        if peer.request().is_some() {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsec");
            left.wait();
            peer.send("ond");
            peer.wait_for_close();
        }
    });
    let program = setup(&first, &second, "1", "20ms").start();
    assert_text(&program.get("/"), "second");
}

#[test]
fn over_http2_the_stream_of_the_other_attempt_is_reset() {
    let left = Gate::new();
    let is_left = left.clone();
    let first = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        exchange.record();
        exchange.wait_for_reset();
        is_left.open();
    });
    let second = Origin::over(Transport::h2(), |_| Response::text("second"));
    let program = setup(&first, &second, "2", "20ms").start();
    let client = H2Client::connect(&program.address("web"));
    assert_text(&client.get("/"), "second");
    left.wait();
    assert_eq!((first.connections(), counts(&program)), (1, [1.0, 1.0, 0.0]));
    assert_idle(&program);
}

#[test]
fn the_first_endpoint_may_still_be_the_first_to_answer() {
    let asked = Gate::new();
    let (is_asked, (second, left)) = (asked.clone(), {
        let left = Gate::new();
        let (is_left, asked) = (left.clone(), asked.clone());
        let second = Origin::raw(move |mut peer| {
            if peer.request().is_some() {
                asked.open();
                peer.wait_for_close();
                is_left.open();
            }
        });
        (second, left)
    });
    let first = Origin::new(move |_| {
        is_asked.wait();
        Response::text("first")
    });
    let program = setup(&first, &second, "1", "20ms").start();
    let mut client = program.client();
    assert_text(&client.get("/"), "first");
    left.wait();
    assert_eq!(counts(&program), [1.0, 0.0, 0.0]);
    let line = program.wait_for_stdout(|line| line.contains("\"attempts\":2"));
    assert!(line.contains(&first.address().to_string()), "{line}");
    assert_text(&client.get("/"), "first");
    assert_eq!(first.connections(), 1, "its connection is as good as before");
    assert_idle(&program);
}

#[test]
fn an_endpoint_that_answers_in_time_is_alone() {
    let (first, second) = (Origin::text("first"), Origin::text("second"));
    let program = setup(&first, &second, "1", "1h").start();
    let mut client = program.client();
    for _ in 0..3 {
        assert_text(&client.get("/"), "first");
    }
    assert_eq!((second.requests().len(), first.connections()), (0, 1));
    assert_eq!(counts(&program), [0.0, 0.0, 0.0]);
    let explained = program.folder().run("explain GET http://x/").with_code(0);
    let line = "a second endpoint is asked too when the first has not answered after 1h";
    assert!(explained.stdout.contains(line), "{explained:?}");
}

#[test]
fn only_requests_that_read_and_have_no_body_go_to_two() {
    let open = Gate::new();
    let is_open = open.clone();
    let first = Origin::new(move |_| {
        is_open.wait();
        Response::text("first")
    });
    let second = Origin::text("second");
    let program = setup(&first, &second, "1", "20ms").start();
    let (mut post, mut put, mut delete) = (program.client(), program.client(), program.client());
    post.request("POST", "/post").start();
    put.request("PUT", "/put").body("whole").start();
    delete.request("DELETE", "/delete").start();
    first.wait_for(3);
    // Their time has passed when that of a later one has.
    assert_text(&program.get("/get"), "second");
    assert_eq!(second.request().target, "/get");
    open.open();
    assert_text(&post.read_for("POST"), "first");
    assert_text(&put.read_for("PUT"), "first");
    assert_text(&delete.read_for("DELETE"), "first");
    assert_eq!(counts(&program), [1.0, 1.0, 0.0]);
}

#[test]
fn when_one_of_two_fails_the_other_one_is_waited_for() {
    let (asked, failed) = (Gate::new(), Gate::new());
    let (is_asked, has_failed) = (asked.clone(), failed.clone());
    let first = Origin::raw(move |mut peer| {
        if peer.request().is_some() {
            is_asked.wait();
            drop(peer);
            has_failed.open();
        }
    });
    let second = Origin::new(move |_| {
        asked.open();
        failed.wait();
        Response::text("second")
    });
    let program = setup(&first, &second, "1", "20ms").start();
    assert_text(&program.get("/"), "second");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_idle(&program);
    // What failed counts, though the client has not seen it.
    program.get("/").assert_own(503, "upstream.breaker_open");
}

#[test]
fn when_both_fail_the_client_is_told() {
    let closing = |asked: Gate, waits: Gate| {
        Origin::raw(move |mut peer| {
            if peer.request().is_some() {
                asked.open();
                waits.wait();
            }
        })
    };
    let (one, other) = (Gate::new(), Gate::new());
    let first = closing(one.clone(), other.clone());
    let second = closing(other, one);
    let program = setup(&first, &second, "1", "20ms").start();
    program.get("/").assert_own(502, "upstream.reset");
    // Both were attempts: there is no third one.
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_idle(&program);
}

#[test]
fn a_client_that_goes_away_takes_both_with_it() {
    let ((first, left), (second, also_left)) = (stuck(), stuck());
    let program = setup(&first, &second, "1", "20ms").start();
    let mut client = program.client();
    client.request("GET", "/").start();
    second.wait_for(1);
    client.reset();
    left.wait();
    also_left.wait();
    assert_idle(&program);
}

#[test]
fn a_session_is_not_moved_by_a_hedge() {
    let open = Gate::new();
    let is_open = open.clone();
    let first = Origin::new(move |request| {
        if request.target != "/first" {
            is_open.wait();
        }
        Response::text("first")
    });
    let second = Origin::text("second");
    let program = Program::config(
        r#"
upstreams: {shop: {endpoints: ["{first}", {url: "{second}", backup: true}], sticky: srv}}
hosts: {"*": {routes: {/first: shop, /**: {to: shop, retry: {hedge: 20ms}}}}}
"#,
    )
    .fill("first", &first)
    .fill("second", &second)
    .start();
    let visited = program.get("/first");
    let cookie = visited.header("set-cookie").unwrap().split(';').next().unwrap();
    let mut client = program.client();
    client.request("GET", "/slow").header("Cookie", cookie).start();
    first.wait_for(2);
    let stranger = program.get("/slow");
    assert_text(&stranger, "second");
    assert!(stranger.header("set-cookie").is_some());
    open.open();
    let answer = client.read();
    assert_text(&answer, "first");
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!((first.requests().len(), second.requests().len()), (3, 1));
    assert_eq!(counts(&program), [1.0, 1.0, 0.0]);
}
