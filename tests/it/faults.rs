//! What becomes of each fault of an upstream: the right status and reason, or an answer that the
//! client can tell is truncated. And the program serves on.

use portunus_testkit::{Answer, Gate, Origin, Program, faulty};

/// Asks for a path that leads to the faulty origin, then for one that works.
fn answer_of(faulty: &impl std::fmt::Display) -> Answer {
    let config = "hosts: {\"*\": {routes: {/bad: \"{bad}\", /good: {respond: good}}}}";
    let program = Program::config(config).fill("bad", faulty).start();
    let answer = program.get("/bad");
    assert_eq!(program.get("/good").text(), "good");
    answer
}

#[test]
fn a_refused_connection_is_502() {
    answer_of(&faulty::refusing()).assert_own(502, "upstream.connect_refused");
}

#[test]
fn a_reset_before_the_answer_is_502() {
    answer_of(&faulty::resetting()).assert_own(502, "upstream.reset");
}

#[test]
fn a_close_before_the_answer_is_502() {
    answer_of(&faulty::closing()).assert_own(502, "upstream.reset");
}

#[test]
fn a_close_within_the_head_is_502() {
    let answer = answer_of(&faulty::saying("HTTP/1.1 200 OK\r\nContent-Le"));
    assert_eq!(answer.status, 502);
    assert!(answer.header("proxy-status").unwrap().contains("upstream."), "{answer:?}");
}

#[test]
fn an_answer_that_is_not_http_is_502() {
    let answers = [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
    ];
    for bytes in answers {
        let answer = answer_of(&faulty::saying(bytes));
        let told = answer.header("proxy-status").unwrap_or_default();
        assert_eq!(answer.status, 502, "{bytes:?}: {answer:?}");
        assert!(told.contains("upstream.bad_response"), "{bytes:?}: {told}");
    }
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_502() {
    let bytes = "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";
    answer_of(&faulty::saying(bytes)).assert_own(502, "upstream.bad_response");
}

#[test]
fn an_endless_head_is_502() {
    let origin = Origin::raw(|mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n");
        // Ends when the program closes, or after more than anybody should take.
        for at in 0..20_000 {
            peer.send(format!("X-{at}: {}\r\n", "a".repeat(100)));
        }
        peer.wait_for_close();
    });
    answer_of(&origin).assert_own(502, "upstream.bad_response");
}

#[test]
fn a_body_that_is_cut_is_visibly_truncated() {
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\n",
    ];
    for bytes in answers {
        let answer = answer_of(&faulty::saying(bytes));
        assert_eq!((answer.text(), answer.is_complete), ("abc", false), "{bytes:?}: {answer:?}");
    }
}

#[test]
fn chunks_that_are_none_truncate_the_answer() {
    for chunks in ["x\r\n", "3\r\nabcdef\r\n0\r\n\r\n", "-3\r\nabc\r\n"] {
        let text =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{chunks}");
        let answer = answer_of(&faulty::saying(text.leak()));
        // The fault may be seen together with the head, before anything was passed on.
        assert!(answer.status == 502 || !answer.is_complete, "{chunks:?}: {answer:?}");
    }
}

#[test]
fn a_reset_within_the_body_is_visibly_truncated() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        opened.wait();
        peer.reset();
    });
    assert_cut(&origin, &gate);
}

/// RFC 9112 section 9.8: a body that ends with its connection ends with an end, not with a reset.
#[test]
fn a_reset_ends_no_body_that_lasts_until_the_end() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\nabc");
        opened.wait();
        peer.reset();
    });
    assert_cut(&origin, &gate);
}

/// The client has the head, then the origin goes on and breaks.
fn assert_cut(origin: &Origin, gate: &Gate) {
    let program = Program::before(origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    let head = client.read_head();
    gate.open();
    let answer = client.read_body(&head);
    assert!(!answer.is_complete, "{answer:?}");
}

#[test]
fn bytes_after_an_answer_are_never_the_answer_to_another_request() {
    let origin = Origin::raw(|mut peer| {
        while peer.request().is_some() {
            let extra = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood{extra}"));
        }
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    for _ in 0..4 {
        assert_eq!(client.get("/").text(), "good");
    }
}

#[test]
fn a_client_that_leaves_ends_the_request_to_its_origin() {
    let gate = Gate::new();
    let ended = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.wait_for_close();
        gate.open();
    });
    let program = Program::before(&origin);
    let mut client = program.client();
    client.request("GET", "/").start();
    origin.wait_for(1);
    client.reset();
    ended.wait();
}
