//! What RFC 9113 forbids is refused, reaches no origin, and hurts no other connection.

use portunus_testkit::{Fault, Frames, H2Client, Origin, Program, flag, kind};

struct Rules {
    origin: Origin,
    program: Program,
}

impl Rules {
    fn start() -> Self {
        let origin = Origin::text("fine");
        let program = Program::before(&origin);
        Self { origin, program }
    }

    fn frames(&self) -> Frames {
        let mut frames = Frames::connect(&self.program.address("web"));
        frames.settle();
        frames
    }

    /// No whole request came to the origin but those that are fine.
    #[track_caller]
    fn check(&self, case: &str) {
        let requests = self.origin.requests().into_iter();
        let bad: Vec<_> = requests.filter(|it| it.is_complete && it.target != "/").collect();
        assert!(bad.is_empty(), "{case}: {bad:?}");
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let client = H2Client::connect(&self.program.address("web"));
            assert_eq!(client.get("/").text(), "fine");
            crate::hostile::wait_for_rest(&self.program);
        }
    }
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "shop.test");
const PATH: (&str, &str) = (":path", "/bad");

#[test]
fn malformed_heads_are_refused_and_the_connection_goes_on() {
    let rules = Rules::start();
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("no method", &[SCHEME, AUTHORITY, PATH]),
        ("no scheme", &[METHOD, AUTHORITY, PATH]),
        ("no path", &[METHOD, SCHEME, AUTHORITY]),
        ("an empty path", &[METHOD, SCHEME, AUTHORITY, (":path", "")]),
        ("a path without its slash", &[METHOD, SCHEME, AUTHORITY, (":path", "a")]),
        ("a path with a space", &[METHOD, SCHEME, AUTHORITY, (":path", "/a b")]),
        ("a path with a line's end", &[METHOD, SCHEME, AUTHORITY, (":path", "/ HTTP/1.1\r\nx: y")]),
        ("two paths", &[METHOD, SCHEME, AUTHORITY, PATH, PATH]),
        ("two methods", &[METHOD, METHOD, SCHEME, AUTHORITY, PATH]),
        ("two authorities", &[METHOD, SCHEME, AUTHORITY, AUTHORITY, PATH]),
        ("a method that is no token", &[(":method", "G ET"), SCHEME, AUTHORITY, PATH]),
        ("an empty method", &[(":method", ""), SCHEME, AUTHORITY, PATH]),
        ("an unknown pseudo header", &[METHOD, SCHEME, AUTHORITY, PATH, (":foo", "bar")]),
        ("an answer's pseudo header", &[METHOD, SCHEME, AUTHORITY, PATH, (":status", "200")]),
        ("a pseudo header behind others", &[METHOD, SCHEME, AUTHORITY, ("a", "b"), PATH]),
        ("upper case", &[METHOD, SCHEME, AUTHORITY, PATH, ("Upper", "a")]),
        ("a name with a space", &[METHOD, SCHEME, AUTHORITY, PATH, ("a b", "c")]),
        ("a name with a colon", &[METHOD, SCHEME, AUTHORITY, PATH, ("a:b", "c")]),
        ("an empty name", &[METHOD, SCHEME, AUTHORITY, PATH, ("", "c")]),
        ("a value with a carriage return", &[METHOD, SCHEME, AUTHORITY, PATH, ("a", "b\rc")]),
        ("a value with a line's end", &[METHOD, SCHEME, AUTHORITY, PATH, ("a", "b\r\nc: d")]),
        ("a value with NUL", &[METHOD, SCHEME, AUTHORITY, PATH, ("a", "b\0c")]),
        ("connection", &[METHOD, SCHEME, AUTHORITY, PATH, ("connection", "close")]),
        ("keep-alive", &[METHOD, SCHEME, AUTHORITY, PATH, ("keep-alive", "1")]),
        ("proxy-connection", &[METHOD, SCHEME, AUTHORITY, PATH, ("proxy-connection", "a")]),
        ("transfer-encoding", &[METHOD, SCHEME, AUTHORITY, PATH, ("transfer-encoding", "chunked")]),
        ("upgrade", &[METHOD, SCHEME, AUTHORITY, PATH, ("upgrade", "websocket")]),
        ("te that is not trailers", &[METHOD, SCHEME, AUTHORITY, PATH, ("te", "gzip")]),
        ("another host", &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "other.test")]),
        ("two hosts", &[METHOD, SCHEME, PATH, ("host", "a.test"), ("host", "b.test")]),
        ("an authority with a user", &[METHOD, SCHEME, (":authority", "a@shop.test"), PATH]),
        ("no host at all", &[METHOD, SCHEME, PATH]),
        (
            "two lengths",
            &[METHOD, SCHEME, AUTHORITY, PATH, ("content-length", "1"), ("content-length", "2")],
        ),
        ("a length that is none", &[METHOD, SCHEME, AUTHORITY, PATH, ("content-length", "-1")]),
        ("a length without a body", &[METHOD, SCHEME, AUTHORITY, PATH, ("content-length", "5")]),
        ("CONNECT with a path", &[(":method", "CONNECT"), SCHEME, AUTHORITY, PATH]),
        (
            "a protocol without CONNECT",
            &[METHOD, (":protocol", "websocket"), SCHEME, AUTHORITY, PATH],
        ),
    ];
    for (case, fields) in cases {
        let mut frames = rules.frames();
        frames.headers(1, flag::END_STREAM, fields);
        let fault = frames.fault();
        let is_fine = match fault {
            // RFC 9113 section 8.1.1: a stream error of PROTOCOL_ERROR, or an answer before it.
            Fault::Stream(1, 1) | Fault::Answer(1, 400..=499) | Fault::Connection(1) => true,
            _ => false,
        };
        assert!(is_fine, "{case}: {fault:?}");
        rules.check(case);
        if !matches!(fault, Fault::Connection(_)) {
            frames.get(3, "/");
            assert_eq!(frames.status(3), 200, "{case}");
        }
    }
}

#[test]
fn bodies_that_do_not_fit_their_length_end_nowhere_as_whole() {
    let rules = Rules::start();
    let post = |length| [(":method", "POST"), SCHEME, AUTHORITY, PATH, ("content-length", length)];
    let cases: [(&str, &str, &[u8]); 2] = [("longer", "3", b"abcdef"), ("shorter", "10", b"abc")];
    for (case, length, body) in cases {
        let mut frames = rules.frames();
        frames.headers(1, flag::NONE, &post(length));
        frames.send(kind::DATA, flag::END_STREAM, 1, body);
        let fault = frames.fault();
        assert!(
            matches!(fault, Fault::Stream(1, 1) | Fault::Answer(1, 400..=499)),
            "{case}: {fault:?}"
        );
        rules.check(case);
    }
}

/// A second head on a stream, after the body.
fn second_head(flags: u8, fields: &[(&str, &str)]) {
    let rules = Rules::start();
    let mut frames = rules.frames();
    frames.headers(1, flag::NONE, &[(":method", "POST"), SCHEME, AUTHORITY, PATH]);
    frames.send(kind::DATA, flag::NONE, 1, b"abc");
    frames.headers(1, flags, fields);
    let fault = frames.fault();
    assert!(
        matches!(fault, Fault::Stream(1, 1) | Fault::Connection(1) | Fault::Answer(1, _)),
        "{fault:?}"
    );
    rules.check("a second head");
}

#[test]
fn a_second_head_that_does_not_end_the_stream_is_refused() {
    second_head(flag::NONE, &[("x-a", "b")]);
}

#[test]
fn trailers_with_a_pseudo_header_are_refused() {
    second_head(flag::END_STREAM, &[("x-a", "b"), (":path", "/b")]);
}

/// What breaks the whole connection.
type Breaks = fn(&mut Frames);

/// Each of these ends the connection by GOAWAY with an error.
fn ends_the_connection(cases: &[(&str, Breaks)]) {
    let rules = Rules::start();
    for (case, break_it) in cases {
        let mut frames = rules.frames();
        break_it(&mut frames);
        let fault = frames.fault();
        assert!(matches!(fault, Fault::Connection(1..)), "{case}: {fault:?}");
        frames.wait_for_close();
        rules.check(case);
    }
}

#[test]
fn frames_where_they_do_not_belong_end_the_connection() {
    ends_the_connection(&[
        ("data on the connection", |frames| frames.send(kind::DATA, flag::NONE, 0, b"a")),
        ("data on an idle stream", |frames| frames.send(kind::DATA, flag::NONE, 1, b"a")),
        ("a reset of an idle stream", |frames| {
            frames.send(kind::RST_STREAM, flag::NONE, 1, &[0; 4])
        }),
        ("a window for an idle stream", |frames| {
            frames.send(kind::WINDOW_UPDATE, flag::NONE, 1, &[0, 0, 0, 1]);
        }),
        ("a head on the connection", |frames| frames.get(0, "/")),
        ("a head on an even stream", |frames| frames.get(2, "/")),
        ("a stream that goes back", |frames| {
            frames.headers(5, flag::NONE, &[(":method", "POST"), SCHEME, AUTHORITY, PATH]);
            frames.get(3, "/");
        }),
        ("a continuation of nothing", |frames| {
            frames.send(kind::CONTINUATION, flag::END_HEADERS, 1, b"");
        }),
        ("a frame within a head", |frames| {
            frames.send(kind::HEADERS, flag::END_STREAM, 1, &Frames::block(&[METHOD, SCHEME]));
            frames.send(kind::PING, flag::NONE, 0, &[0; 8]);
        }),
        ("a head that goes on elsewhere", |frames| {
            frames.send(kind::HEADERS, flag::END_STREAM, 1, &Frames::block(&[METHOD, SCHEME]));
            frames.send(kind::CONTINUATION, flag::END_HEADERS, 3, &Frames::block(&[PATH]));
        }),
        ("a push by the client", |frames| {
            frames.send(kind::PUSH_PROMISE, flag::END_HEADERS, 1, &[0, 0, 0, 2]);
        }),
    ]);
}

#[test]
fn frames_of_wrong_content_end_the_connection() {
    ends_the_connection(&[
        ("settings on a stream", |frames| frames.send(kind::SETTINGS, flag::NONE, 1, b"")),
        ("settings of odd length", |frames| frames.send(kind::SETTINGS, flag::NONE, 0, b"abc")),
        ("an acknowledgement with content", |frames| {
            frames.send(kind::SETTINGS, flag::ACK, 0, &[0, 3, 0, 0, 0, 1]);
        }),
        ("a window beyond all", |frames| {
            frames.send(kind::SETTINGS, flag::NONE, 0, &[0, 4, 0x80, 0, 0, 0]);
        }),
        ("a frame size below all", |frames| {
            frames.send(kind::SETTINGS, flag::NONE, 0, &[0, 5, 0, 0, 0, 1]);
        }),
        ("a push setting that is no bit", |frames| {
            frames.send(kind::SETTINGS, flag::NONE, 0, &[0, 2, 0, 0, 0, 2]);
        }),
        ("a window update of nothing", |frames| {
            frames.send(kind::WINDOW_UPDATE, flag::NONE, 0, &[0; 4]);
        }),
        ("a window that overflows", |frames| {
            frames.send(kind::WINDOW_UPDATE, flag::NONE, 0, &[0x7f, 0xff, 0xff, 0xff]);
        }),
        ("a ping on a stream", |frames| frames.send(kind::PING, flag::NONE, 1, &[0; 8])),
        ("a ping of odd length", |frames| frames.send(kind::PING, flag::NONE, 0, b"abc")),
        ("a reset of odd length", |frames| frames.send(kind::RST_STREAM, flag::NONE, 1, b"abc")),
        ("a goaway on a stream", |frames| frames.send(kind::GOAWAY, flag::NONE, 1, &[0; 8])),
        ("a frame beyond the size", |frames| {
            frames.headers(1, flag::NONE, &[(":method", "POST"), SCHEME, AUTHORITY, PATH]);
            frames.send(kind::DATA, flag::NONE, 1, &[0; 1 << 20]);
        }),
        ("padding longer than its frame", |frames| {
            frames.headers(1, flag::NONE, &[(":method", "POST"), SCHEME, AUTHORITY, PATH]);
            frames.send(kind::DATA, flag::PADDED, 1, &[200, 1, 2]);
        }),
        ("a table index that is not there", |frames| {
            frames.send(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, 1, &[0xff, 0x7f]);
        }),
        ("a number without end", |frames| {
            frames.send(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, 1, &[0xff; 20]);
        }),
    ]);
}

#[test]
fn a_preface_that_is_not_the_one_ends_the_connection() {
    let rules = Rules::start();
    let mut client = rules.program.client();
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.into_tcp(), &mut rest);
    rules.check("preface");
}

#[test]
fn frames_of_unknown_kinds_and_priorities_are_let_be() {
    let rules = Rules::start();
    let mut frames = rules.frames();
    frames.send(0xbe, 0xff, 0, b"grease");
    frames.send(0xbe, 0xff, 1, b"grease");
    frames.send(kind::PRIORITY, flag::NONE, 1, &[0, 0, 0, 0, 16]);
    frames.send(kind::SETTINGS, flag::NONE, 0, &[0x0a, 0x0a, 1, 2, 3, 4]);
    // PRIORITY_UPDATE (RFC 9218 section 7.1).
    frames.send(0x10, flag::NONE, 0, b"\0\0\0\x01u=1");
    frames.headers(1, flag::END_STREAM, &[METHOD, SCHEME, AUTHORITY, PATH, ("priority", "u=1, i")]);
    assert_eq!(frames.status(1), 200);
    assert_eq!(rules.origin.request().header("priority"), Some("u=1, i"));
}

#[test]
fn the_host_may_be_said_by_either_name_or_both() {
    let rules = Rules::start();
    let heads: [&[(&str, &str)]; 3] = [
        &[METHOD, SCHEME, PATH, ("host", "shop.test")],
        &[METHOD, SCHEME, AUTHORITY, PATH, ("host", "shop.test")],
        &[METHOD, SCHEME, AUTHORITY, PATH],
    ];
    for head in heads {
        let mut frames = rules.frames();
        frames.headers(1, flag::END_STREAM, head);
        assert_eq!(frames.status(1), 200, "{head:?}");
        let request = rules.origin.last();
        assert_eq!(request.headers.all("host").collect::<Vec<_>>(), ["shop.test"]);
    }
}
