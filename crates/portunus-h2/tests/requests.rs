//! The rules of RFC 9113 section 8, one case each.

use std::rc::Rc;

use portunus_h2::ServerOptions;

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, block, get, pair,
};
use crate::serve::{Log, Seen, run, serve, short_answer};

const PROTOCOL_ERROR: u32 = 1;

/// A server that answers 200, and a client of it by hand.
async fn connected() -> (Frames, Log) {
    connected_with(ServerOptions::default()).await
}

async fn connected_with(options: ServerOptions) -> (Frames, Log) {
    let (io, mut frames) = pair();
    let log = Log::default();
    serve(io, options, Rc::clone(&log), |_, mut body, answer| async move {
        while body.next().await.is_ok_and(|piece| !piece.is_empty()) {}
        short_answer(200, answer).await;
    });
    frames.begin(&[]).await;
    (frames, log)
}

/// One request without a body: what came back, and what was seen.
fn ask(fields: &[(&str, &str)]) -> (Outcome, Option<Seen>) {
    run(async {
        let (mut frames, log) = connected().await;
        frames.headers(END_STREAM, 1, fields).await;
        let outcome = frames.outcome().await;
        let seen = log.borrow().first().cloned();
        (outcome, seen)
    })
}

fn seen(text: &str) -> (Outcome, Option<Seen>) {
    (Outcome::Status(200), Some(Seen::Request(text.to_owned())))
}

fn refused(status: u16, reason: &'static str) -> (Outcome, Option<Seen>) {
    (Outcome::Status(status), Some(Seen::Refused(reason)))
}

fn reset() -> (Outcome, Option<Seen>) {
    (Outcome::Reset(PROTOCOL_ERROR), None)
}

#[test]
fn host_is_made_from_the_authority_and_comes_first() {
    let fields = get(&[("accept", "*/*"), ("x-own", "1")]);
    assert_eq!(ask(&fields), seen("GET / | host: example.test | accept: */* | x-own: 1"));
}

#[test]
fn host_alone_serves_as_authority() {
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/a?b=c"),
        ("host", "example.test:8443"),
    ];
    assert_eq!(ask(&fields), seen("GET /a?b=c | host: example.test:8443"));
}

#[test]
fn host_beside_the_authority_must_agree() {
    let agreeing = get(&[("host", "Example.test")]);
    assert_eq!(ask(&agreeing), seen("GET / | host: example.test"));
    let conflicting = get(&[("host", "other.test")]);
    assert_eq!(ask(&conflicting), refused(400, "h2.conflicting_host"));
    let twice = get(&[("host", "example.test"), ("host", "example.test")]);
    assert_eq!(ask(&twice), refused(400, "h2.duplicate_host"));
}

#[test]
fn a_request_for_nobody_is_refused() {
    let fields = [(":method", "GET"), (":scheme", "https"), (":path", "/")];
    assert_eq!(ask(&fields), refused(400, "h2.missing_host"));
}

#[test]
fn userinfo_is_refused() {
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/"),
        (":authority", "me@example.test"),
    ];
    assert_eq!(ask(&fields), refused(400, "h2.userinfo_in_target"));
}

#[test]
fn an_authority_is_a_host_and_perhaps_a_port() {
    let with = |authority| {
        let fields =
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", authority)];
        ask(&fields)
    };
    assert_eq!(with("[::1]:443"), seen("GET / | host: [::1]:443"));
    for bad in ["example.test:http", "example.test:99999", "[::zz]"] {
        let (outcome, seen) = with(bad);
        let refused =
            outcome == Outcome::Status(400) && seen == Some(Seen::Refused("h2.bad_authority"));
        assert!(
            refused || outcome == Outcome::Reset(PROTOCOL_ERROR),
            "{bad}: {outcome:?} {seen:?}"
        );
    }
}

#[test]
fn paths_are_normalised_and_checked_as_in_http_1() {
    let with = |method, path| {
        let fields =
            [(":method", method), (":scheme", "https"), (":path", path), (":authority", "e.test")];
        ask(&fields)
    };
    assert_eq!(with("GET", "/a/../b/%7Euser?x=/../"), seen("GET /b/~user?x=/../ | host: e.test"));
    assert_eq!(with("GET", "/a%2fb"), seen("GET /a%2fb | host: e.test"));
    assert_eq!(with("OPTIONS", "*"), seen("OPTIONS * | host: e.test"));
    assert_eq!(with("GET", "*"), refused(400, "h2.bad_path"));
    assert_eq!(with("GET", "/%%32e"), refused(400, "h2.bad_escape"));
    assert_eq!(with("GET", ""), reset());
    assert_eq!(with("GET", "/a b"), reset());
    assert_eq!(with("GET", "a"), reset());
}

#[test]
fn a_fragment_never_travels_on() {
    let fields =
        [(":method", "GET"), (":scheme", "https"), (":path", "/a#b"), (":authority", "e.test")];
    assert_eq!(ask(&fields), seen("GET /a | host: e.test"));
}

#[test]
fn pseudo_fields_must_be_there_once_and_first() {
    let missing =
        |name| get(&[]).into_iter().filter(|(field, _)| *field != name).collect::<Vec<_>>();
    assert_eq!(ask(&missing(":method")), reset());
    assert_eq!(ask(&missing(":scheme")), reset());
    let (outcome, seen) = ask(&missing(":path"));
    assert!(
        outcome == Outcome::Reset(PROTOCOL_ERROR) || seen == Some(Seen::Refused("h2.bad_path"))
    );
    for (name, value) in get(&[]) {
        assert_eq!(ask(&get(&[(name, value)])), reset(), "{name} twice");
    }
    let mut late = vec![("accept", "*/*")];
    late.extend(get(&[]));
    assert_eq!(ask(&late), reset());
    assert_eq!(ask(&get(&[(":status", "200")])), reset());
    assert_eq!(ask(&get(&[(":protocol", "websocket")])), reset());
    let (outcome, seen) = ask(&get(&[(":unknown", "1")]));
    assert!(matches!(outcome, Outcome::GoAway(_)), "{outcome:?}");
    assert_eq!(seen, None);
}

#[test]
fn only_the_schemes_of_http_are_served() {
    let fields = [(":method", "GET"), (":scheme", "ftp"), (":path", "/"), (":authority", "e.test")];
    assert_eq!(ask(&fields), refused(400, "h2.bad_scheme"));
}

#[test]
fn fields_of_a_connection_are_malformed() {
    for (name, value) in [
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
    ] {
        assert_eq!(ask(&get(&[(name, value)])), reset(), "{name}");
    }
    assert_eq!(ask(&get(&[("te", "trailers")])), seen("GET / | host: example.test | te: trailers"));
}

#[test]
fn names_are_tokens_in_lower_case() {
    for name in ["X-Upper", "x space", "x\u{7f}", "x:colon", "x(", "é"] {
        let (outcome, seen) = ask(&get(&[(name, "1")]));
        assert!(matches!(outcome, Outcome::GoAway(_) | Outcome::Reset(_)), "{name}: {outcome:?}");
        assert_eq!(seen, None);
    }
    assert_eq!(ask(&get(&[("x\"quote", "1")])), refused(400, "h2.bad_field_name"));
}

#[test]
fn values_have_no_controls_and_no_blanks_at_their_ends() {
    for value in ["a\0b", "a\rb", "a\nb", "\u{1}"] {
        let (outcome, seen) = ask(&get(&[("x-a", value)]));
        assert!(
            matches!(outcome, Outcome::GoAway(_) | Outcome::Reset(_)),
            "{value:?}: {outcome:?}"
        );
        assert_eq!(seen, None);
    }
    for value in [" a", "a ", "\ta", "a\t"] {
        assert_eq!(ask(&get(&[("x-a", value)])), refused(400, "h2.bad_field_value"), "{value:?}");
    }
    assert_eq!(ask(&get(&[("x-a", "a\tb c")])), seen("GET / | host: example.test | x-a: a\tb c"));
}

#[test]
fn nobody_slips_in_a_protected_name_with_underscores() {
    let fields = get(&[("x_forwarded_for", "10.0.0.1")]);
    assert_eq!(ask(&fields), refused(400, "h2.lookalike_header"));
    assert_eq!(ask(&get(&[("my_own", "1")])), seen("GET / | host: example.test | my_own: 1"));
}

#[test]
fn crumbs_become_one_cookie() {
    let fields = get(&[("cookie", "a=1"), ("x-b", "2"), ("cookie", "c=3"), ("cookie", "d=4")]);
    assert_eq!(ask(&fields), seen("GET / | host: example.test | cookie: a=1; c=3; d=4 | x-b: 2"));
}

#[test]
fn a_plain_connect_is_refused() {
    let fields = [(":method", "CONNECT"), (":authority", "example.test:443")];
    assert_eq!(ask(&fields), refused(501, "h2.connect"));
}

#[test]
fn an_extended_connect_needs_its_setting() {
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "example.test"),
    ];
    assert_eq!(ask(&fields), seen("CONNECT /chat | host: example.test"));
    run(async {
        let options = ServerOptions { extended_connect: false, ..ServerOptions::default() };
        let (mut frames, _) = connected_with(options).await;
        frames.headers(0, 1, &fields).await;
        assert_eq!(frames.outcome().await, Outcome::Reset(PROTOCOL_ERROR));
    });
}

#[test]
fn a_length_is_one_number() {
    let (outcome, _) = ask(&get(&[("content-length", "x")]));
    assert_eq!(outcome, Outcome::Reset(PROTOCOL_ERROR));
    let (outcome, _) = ask(&get(&[("content-length", "5")]));
    assert_eq!(outcome, Outcome::Reset(PROTOCOL_ERROR), "the head ends the stream");
    let (outcome, _) = ask(&get(&[("content-length", "1"), ("content-length", "2")]));
    assert_eq!(outcome, Outcome::Reset(PROTOCOL_ERROR));
    let twice = get(&[("content-length", "0"), ("content-length", "0")]);
    assert_eq!(ask(&twice), refused(400, "h2.bad_length"));
}

#[test]
fn a_body_is_as_long_as_its_length() {
    for body in ["abc", "abcdefg"] {
        run(async {
            let (mut frames, _) = connected().await;
            frames.headers(0, 1, &get(&[("content-length", "5")])).await;
            frames.send(DATA, END_STREAM, 1, body.as_bytes()).await;
            assert_eq!(frames.outcome().await, Outcome::Reset(PROTOCOL_ERROR), "{body}");
        });
    }
}

#[test]
fn more_fields_than_the_limit_are_refused() {
    let options = ServerOptions { headers_max: 5, ..ServerOptions::default() };
    run(async {
        let (mut frames, log) = connected_with(options).await;
        let more = [("x-a", "1"), ("x-b", "1"), ("x-c", "1"), ("x-d", "1"), ("x-e", "1")];
        frames.headers(END_STREAM, 1, &get(&more)).await;
        assert_eq!(frames.outcome().await, Outcome::Status(431));
        assert_eq!(*log.borrow(), [Seen::Refused("h2.too_many_headers")]);
    });
}

#[test]
fn a_head_over_its_size_is_answered_by_431() {
    let options = ServerOptions { header_bytes_max: 500, ..ServerOptions::default() };
    run(async {
        let (mut frames, log) = connected_with(options).await;
        let long = "v".repeat(120);
        let more = [("x-a", long.as_str()), ("x-b", &long), ("x-c", &long)];
        frames.headers(END_STREAM, 1, &get(&more)).await;
        assert_eq!(frames.outcome().await, Outcome::Status(431));
        assert_eq!(*log.borrow(), []);
    });
}

#[test]
fn a_head_may_come_in_pieces() {
    run(async {
        let (mut frames, log) = connected().await;
        let whole = block(&get(&[("x-a", "1")]));
        let (first, second) = whole.split_at(20);
        frames.send(HEADERS, END_STREAM, 1, first).await;
        frames.send(CONTINUATION, END_HEADERS, 1, second).await;
        assert_eq!(frames.outcome().await, Outcome::Status(200));
        assert_eq!(log.borrow().len(), 1);
    });
}

#[test]
fn trailers_end_a_stream() {
    run(async {
        let (mut frames, _) = connected().await;
        frames.headers(0, 1, &get(&[])).await;
        frames.send(DATA, 0, 1, b"body").await;
        frames.headers(0, 1, &[("x-sum", "1")]).await;
        assert_eq!(frames.outcome().await, Outcome::Reset(PROTOCOL_ERROR));
    });
}
