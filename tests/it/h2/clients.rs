//! What clients of HTTP/2 get, whatever the upstream speaks.

use portunus_testkit::{Broken, Gate, H2Client, Origin, Program, Response, Transport};

fn connect(program: &Program) -> H2Client {
    H2Client::connect(&program.address("web"))
}

const BY_HTTP_2: &str =
    "upstreams: {up: {endpoints: \"{origin}\", http: 2}}\nhosts: {\"*\": {routes: {/**: up}}}\n";

/// The same answers by an origin of HTTP/1 and by one of HTTP/2, each behind a program.
fn both(answer: fn(&portunus_testkit::Request) -> Response) -> [(Origin, Program); 2] {
    let (old, new) = (Origin::new(answer), Origin::over(Transport::h2(), answer));
    let before_old = Program::before(&old);
    let before_new = Program::config(BY_HTTP_2).fill("origin", &new).start();
    [(old, before_old), (new, before_new)]
}

#[test]
fn answers_without_a_body_keep_what_their_heads_say() {
    for (_, program) in both(|request| match request.target.as_str() {
        "/304" => Response::status(304).header("ETag", "\"a\""),
        "/204" => Response::status(204),
        _ => Response::text("abc"),
    }) {
        let client = connect(&program);
        let head = client.request("HEAD", "/").send();
        assert_eq!((head.header("content-length"), head.text()), (Some("3"), ""));
        let unchanged = client.get("/304");
        assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some("\"a\"")));
        assert_eq!((client.get("/204").status, client.get("/").text()), (204, "abc"));
    }
}

#[test]
fn interim_answers_pass_in_their_order() {
    for (_, program) in both(|_| {
        let first = Response::text("a").after("103 Early Hints", "Link: </a.css>\r\n");
        first.after("103 Early Hints", "Link: </b.css>\r\n")
    }) {
        let answer = connect(&program).get("/");
        assert_eq!(answer.text(), "a");
        let links: Vec<_> = answer.interim.iter().map(|head| head.headers.one("link")).collect();
        assert_eq!(links, [Some("</a.css>"), Some("</b.css>")]);
    }
}

#[test]
fn a_client_that_waits_for_100_is_told_to_go_on_when_the_origin_wants_its_body() {
    let old = Origin::raw(|mut peer| {
        let request = peer.head().unwrap();
        assert_eq!(request.header("expect"), Some("100-continue"));
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = peer.body_of(&request);
        peer.answer(&Response::text(&body.bytes), "POST");
    });
    let new = Origin::h2_raw(Transport::h2(), |mut exchange| {
        assert_eq!(exchange.request().header("expect"), Some("100-continue"));
        exchange.interim(100, &[]);
        let body = exchange.read_body();
        exchange.answer(&Response::text(&body.bytes));
    });
    let programs = [Program::before(&old), Program::config(BY_HTTP_2).fill("origin", &new).start()];
    for program in programs {
        let client = connect(&program);
        let sending = client.request("POST", "/").header("expect", "100-continue");
        let mut stream = sending.header("content-length", "4").open();
        assert_eq!(stream.interim().line, "HTTP/2 100");
        stream.send("body");
        stream.end();
        let answer = stream.finish();
        assert_eq!(answer.text(), "body");
        assert!(answer.interim.is_empty(), "asked twice: {answer:?}");
    }
}

#[test]
fn crumbs_of_cookies_are_one_header_for_http_1() {
    // RFC 9113 section 8.2.3.
    for (origin, program) in both(|_| Response::status(204)) {
        let client = connect(&program);
        let sending = client.request("GET", "/").header("cookie", "a=b").header("cookie", "c=d");
        assert_eq!(sending.send().status, 204);
        let request = origin.request();
        let cookies: Vec<_> = request.headers.all("cookie").collect();
        assert_eq!(cookies.join("; "), "a=b; c=d");
        assert!(request.version == "HTTP/2" || cookies.len() == 1, "{cookies:?}");
    }
}

#[test]
fn what_a_connection_of_http_1_says_of_itself_stays_there() {
    let origin = Origin::new(|_| {
        let answer = Response::text("a").header("Connection", "close, X-Hop").header("X-Hop", "1");
        answer.header("Keep-Alive", "timeout=5").header("X-End", "1").then_close()
    });
    let program = Program::before(&origin);
    let client = connect(&program);
    for _ in 0..2 {
        let answer = client.get("/");
        for name in ["connection", "keep-alive", "x-hop", "transfer-encoding"] {
            assert_eq!(answer.header(name), None, "{answer:?}");
        }
        assert_eq!((answer.text(), answer.header("x-end")), ("a", Some("1")));
    }
}

#[test]
fn a_target_that_is_an_asterisk_passes() {
    for (origin, program) in both(|_| Response::status(204)) {
        assert_eq!(connect(&program).request("OPTIONS", "*").send().status, 204);
        assert_eq!(origin.request().target, "*");
    }
}

#[test]
fn a_slow_answer_holds_up_no_other_stream() {
    for is_h2 in [false, true] {
        let gate = Gate::new();
        let opened = gate.clone();
        let answer = move |request: &portunus_testkit::Request| {
            if request.target == "/slow" {
                opened.wait();
            }
            Response::text(&request.target)
        };
        let transport = if is_h2 { Transport::h2() } else { Transport::h1() };
        let origin = Origin::over(transport, answer);
        let http =
            if is_h2 { BY_HTTP_2 } else { "hosts: {\"*\": {routes: {/**: \"{origin}\"}}}\n" };
        let program = Program::config(http).fill("origin", &origin).start();
        let client = connect(&program);
        let slow = client.request("GET", "/slow").start().unwrap();
        for at in 0..20 {
            assert_eq!(client.get(&format!("/{at}")).text(), format!("/{at}"));
        }
        gate.open();
        assert_eq!(slow.finish().text(), "/slow");
    }
}

#[test]
fn a_hundred_requests_at_once_are_each_answered_as_asked() {
    for (origin, program) in both(|request| Response::text(request.target.repeat(500))) {
        let client = connect(&program);
        let streams: Vec<_> = (0..100)
            .map(|at| client.request("GET", &format!("/{at:03}")).start().unwrap())
            .collect();
        for (at, stream) in streams.into_iter().enumerate() {
            assert_eq!(stream.finish().text(), format!("/{at:03}").repeat(500));
        }
        assert_eq!(origin.requests().len(), 100);
    }
}

#[test]
fn answers_of_our_own_are_the_same_as_over_http_1() {
    let program = Program::config("hosts: {a.test: {routes: {/: {respond: a}}}}\n").start();
    let client = connect(&program);
    client.get("/").assert_own(404, "route.no_host");
    let client = connect(&program).for_host("a.test");
    client.get("/nowhere").assert_own(404, "route.none");
    assert_eq!(client.get("/").text(), "a");
}

#[test]
fn a_truncated_answer_is_no_whole_one() {
    let origin =
        portunus_testkit::faulty::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    let program = Program::before(&origin);
    let client = connect(&program);
    // The client's connection serves its other requests: the second is told the same.
    for _ in 0..2 {
        match client.request("GET", "/").try_send() {
            Ok(answer) => assert!(!answer.is_complete && "abc".starts_with(answer.text())),
            // The reset may overtake the head.
            Err(broken) => assert!(matches!(broken, Broken::Reset(_)), "{broken:?}"),
        }
    }
}

#[test]
fn an_answer_longer_than_its_length_is_not_passed_on_as_whole() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.begin(200, &[("content-length", "3")]);
        exchange.send("abcdef");
        exchange.end();
    });
    let program = Program::config(BY_HTTP_2).fill("origin", &origin).start();
    match connect(&program).request("GET", "/").try_send() {
        Ok(answer) => assert!(answer.status == 502 || !answer.is_complete, "{answer:?}"),
        Err(broken) => assert!(matches!(broken, Broken::Reset(_)), "{broken:?}"),
    }
}

#[test]
fn a_listener_without_h2_speaks_none() {
    let config = "listeners: {web: {address: \"127.0.0.1:0\", protocols: [h1]}}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let program = Program::config(config).start();
    let mut client = program.client();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let answer = client.read();
    assert!((400..=505).contains(&answer.status), "{answer:?}");
    client.wait_for_close();
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn a_listener_of_h2_alone_speaks_no_http_1() {
    let config = "listeners: {web: {address: \"127.0.0.1:0\", protocols: [h2]}}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let program = Program::config(config).start();
    assert_eq!(connect(&program).get("/").text(), "a");
    let mut client = program.client();
    client.send("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.into_tcp(), &mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "), "{rest:?}");
}

#[test]
fn server_sent_events_pass_as_they_come() {
    for is_h2 in [false, true] {
        let gate = Gate::new();
        let opened = gate.clone();
        let steps = gate.clone();
        let origin = match is_h2 {
            true => Origin::h2_raw(Transport::h2(), move |mut exchange| {
                exchange.begin(200, &[("content-type", "text/event-stream")]);
                exchange.send("data: one\n\n");
                opened.wait();
                exchange.send("data: two\n\n");
                exchange.end();
            }),
            false => Origin::raw(move |mut peer| {
                peer.request();
                peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n");
                opened.wait();
                peer.send("b\r\ndata: two\n\n\r\n0\r\n\r\n");
            }),
        };
        let http =
            if is_h2 { BY_HTTP_2 } else { "hosts: {\"*\": {routes: {/**: \"{origin}\"}}}\n" };
        let program = Program::config(http).fill("origin", &origin).start();
        let client = connect(&program);
        let mut stream = client.request("GET", "/events").start().unwrap();
        assert_eq!(stream.head().1.one("content-type"), Some("text/event-stream"));
        // The second event is not sent before the first one has come.
        assert_eq!(stream.read(11), b"data: one\n\n");
        steps.open();
        assert_eq!(stream.finish().text(), "data: two\n\n");
    }
}

#[test]
fn the_time_limits_of_a_route_hold_for_streams() {
    for is_h2 in [false, true] {
        let origin = match is_h2 {
            true => Origin::h2_raw(Transport::h2(), |mut exchange| {
                exchange.record();
                exchange.wait_for_reset();
            }),
            false => portunus_testkit::faulty::silent(),
        };
        let config = r#"
upstreams: {up: {endpoints: "{origin}", http: {http}}}
hosts: {"*": {routes: {/**: {to: up, timeouts: {request: 200ms}}}}}
"#;
        let http = if is_h2 { "2" } else { "1" };
        let program = Program::config(config).fill("origin", &origin).fill("http", http).start();
        let client = connect(&program);
        client.get("/").assert_own(504, "request.timeout");
        client.request("POST", "/").body("abc").send().assert_own(504, "request.timeout");
        // A body that never ends is no way around it.
        let mut stream = client.request("POST", "/").open();
        stream.send("abc");
        assert!(stream.head().0 >= 400);
    }
}
