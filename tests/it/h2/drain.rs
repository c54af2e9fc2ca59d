//! The end of a connection in good order, and what a reload leaves alone.

use portunus_testkit::{Frames, Gate, H2Client, Origin, Program, Signal, eventually, flag, kind};

/// An origin that finishes its answer when it is told to.
fn waiting() -> (Origin, Gate) {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        while peer.request().is_some() {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
            opened.wait();
            peer.send("def");
        }
    });
    (origin, gate)
}

#[test]
fn a_graceful_stop_says_goaway_and_finishes_what_runs() {
    let (origin, gate) = waiting();
    let mut program = Program::before(&origin);
    let client = H2Client::connect(&program.address("web"));
    let mut stream = client.request("GET", "/").start().unwrap();
    assert_eq!(stream.read(3), b"abc");
    program.signal(Signal::TERM);
    client.wait_for_goaway();
    gate.open();
    let answer = stream.finish();
    assert_eq!((answer.text(), answer.is_complete), ("def", true));
    assert_eq!(client.wait_for_close(), Ok(()));
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn goaway_comes_first_without_a_limit_and_then_with_the_last_stream() {
    let (origin, gate) = waiting();
    let mut program = Program::before(&origin);
    let mut frames = Frames::connect(&program.address("web"));
    frames.get(1, "/");
    assert_eq!(frames.status(1), 200);
    program.signal(Signal::TERM);
    let mut goaway = || {
        let payload =
            frames.find(|frame| (frame.kind == kind::GOAWAY).then(|| frame.payload.clone()));
        let payload = payload.expect("a GOAWAY");
        let [last, code] = [&payload[..4], &payload[4..8]];
        (u32::from_be_bytes(last.try_into().unwrap()), u32::from_be_bytes(code.try_into().unwrap()))
    };
    // RFC 9113 section 6.8: a request that was sent before the first one came must not be lost.
    assert_eq!(goaway(), ((1 << 31) - 1, 0));
    assert_eq!(goaway(), (1, 0));
    gate.open();
    let ends = |frame: &portunus_testkit::Frame| {
        (frame.stream == 1 && frame.kind == kind::DATA && frame.flags & flag::END_STREAM != 0)
            .then_some(())
    };
    assert!(frames.find(ends).is_some());
    frames.wait_for_close();
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn an_idle_connection_does_not_hold_up_the_stop() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: a}}}}\n").start();
    let used = H2Client::connect(&program.address("web"));
    assert_eq!(used.get("/").text(), "a");
    let unused = H2Client::connect(&program.address("web"));
    eventually("the program's settings have come", || unused.takes_extended_connect());
    program.stop();
    assert_eq!((used.wait_for_close(), unused.wait_for_close()), (Ok(()), Ok(())));
}

#[test]
fn a_request_on_its_way_when_the_goaway_comes_is_answered_or_surely_not_processed() {
    let origin = Origin::text("fine");
    let mut program = Program::before(&origin);
    let client = H2Client::connect(&program.address("web"));
    assert_eq!(client.get("/").text(), "fine");
    program.signal(Signal::TERM);
    let mut answered = 1;
    // A request that fails came when the connection was over: the origin has not seen it.
    while let Ok(answer) = client.request("GET", "/").try_send() {
        assert!(answer.is_complete, "{answer:?}");
        assert_eq!(answer.text(), "fine");
        answered += 1;
    }
    assert_eq!(program.wait(), Some(0));
    assert_eq!(origin.requests().len(), answered);
}

#[test]
fn a_reload_keeps_connections_and_streams() {
    let (origin, gate) = waiting();
    let config = |word: &str| {
        format!(
            "hosts: {{\"*\": {{routes: {{/kept: \"{origin}\", /word: {{respond: {word}}}}}}}}}\n"
        )
    };
    let program = Program::config(&config("before")).start();
    let client = H2Client::connect(&program.address("web"));
    let mut stream = client.request("GET", "/kept").start().unwrap();
    assert_eq!(stream.read(3), b"abc");
    assert_eq!(client.get("/word").text(), "before");
    program.reload(&config("after"));
    // The same connection, the new configuration.
    assert_eq!(client.get("/word").text(), "after");
    gate.open();
    assert_eq!(stream.finish().text(), "def");
}

#[test]
fn the_connections_of_a_listener_that_went_away_end_in_good_order() {
    let host = "hosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let two = format!("listeners: {{web: \"127.0.0.1:0\", more: \"127.0.0.1:0\"}}\n{host}");
    let program = Program::config(&two).start();
    let kept = H2Client::connect(&program.address("web"));
    let leaving = H2Client::connect(&program.address("more"));
    assert_eq!((kept.get("/").text(), leaving.get("/").text()), ("a", "a"));
    program.reload(&format!("listeners: {{web: \"127.0.0.1:0\"}}\n{host}"));
    assert_eq!(leaving.wait_for_close(), Ok(()));
    assert_eq!(kept.get("/").text(), "a");
}

#[test]
fn a_connection_that_nobody_uses_is_closed_with_goaway() {
    let config = "listeners: {web: {address: \"127.0.0.1:0\", timeouts: {keep_alive: 200ms}}}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let program = Program::config(config).start();
    let used = H2Client::connect(&program.address("web"));
    assert_eq!(used.get("/").text(), "a");
    let unused = H2Client::connect(&program.address("web"));
    assert_eq!((used.wait_for_close(), unused.wait_for_close()), (Ok(()), Ok(())));
    eventually("nothing is open", || {
        program.metrics().sum("portunus_listener_connections_open", &[("listener", "web")]) == 0.0
    });
}
