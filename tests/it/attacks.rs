//! Attacks of many at once, in small: others are served all the time, and the attackers are cut and counted.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use portunus_testkit::{Client, Frames, H2Client, Origin, Program, eventually, flag, kind};

const QUICK: &str = r#"
listeners:
  web:
    address: "127.0.0.1:0"
    timeouts: {header_read: 500ms, request_idle: 500ms}
hosts: {"*": {routes: {/fine: {respond: fine}, /**: "{origin}"}}}
"#;
const ATTACKERS: usize = 200;

fn start(config: &str, origin: &Origin) -> Program {
    Program::config(config).fill("origin", origin).start()
}

fn replies(program: &Program, reason: &str) -> f64 {
    program.metrics().sum("portunus_replies_total", &[("reason", reason)])
}

fn h2_errors(program: &Program, kind: &str) -> f64 {
    program.metrics().sum("portunus_listener_h2_errors_total", &[("kind", kind)])
}

/// Goes through an attack, while others ask over HTTP/1 and HTTP/2, over old connections and new ones, and get all
/// that they ask for.
fn beside<R>(program: &Program, attack: impl FnOnce() -> R) -> R {
    let address = program.address("web");
    let is_over = AtomicBool::new(false);
    let served = |mut get: Box<dyn FnMut() -> String>| {
        while !is_over.load(Ordering::Relaxed) {
            assert_eq!(get(), "fine");
        }
    };
    std::thread::scope(|scope| {
        let text = |answer: portunus_testkit::Answer| answer.text().to_owned();
        let (mut old, h2) = (Client::connect(&address), H2Client::connect(&address));
        let others = [
            scope.spawn(move || served(Box::new(move || text(old.get("/fine"))))),
            scope.spawn(move || served(Box::new(move || text(h2.get("/fine"))))),
        ];
        let _end = EndOnDrop(&is_over);
        let result = attack();
        drop(_end);
        others.into_iter().for_each(|other| other.join().unwrap());
        result
    })
}

/// Lets the threads of a scope end also when the test fails.
struct EndOnDrop<'s>(&'s AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn heads_that_never_end_are_cut() {
    let origin = Origin::text("a");
    let program = start(QUICK, &origin);
    beside(&program, || {
        let connect = |_| TcpStream::connect(program.address("web")).unwrap();
        let mut attackers: Vec<TcpStream> = (0..ATTACKERS).map(connect).collect();
        let mut drip = |bytes: &[u8]| {
            // Those that were cut already take nothing any more.
            attackers.iter_mut().for_each(|stream| _ = stream.write_all(bytes));
        };
        drip(b"GET / HTTP/1.1\r\nHost: shop.test\r\nX: ");
        eventually("all are cut", || {
            drip(b"a");
            replies(&program, "client.timeout") == ATTACKERS as f64
        });
    });
    assert!(origin.requests().is_empty());
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn readers_that_read_nothing_are_cut() {
    let big = "a".repeat(16 << 20);
    let origin = Origin::new(move |_| portunus_testkit::Response::text(&big));
    let program = start(QUICK, &origin);
    let count = ATTACKERS / 10;
    beside(&program, || {
        let attackers: Vec<Client> = (0..count)
            .map(|_| {
                let mut client = program.client();
                client.request("GET", "/big").start();
                client
            })
            .collect();
        eventually("all are cut", || replies(&program, "client.timeout") == count as f64);
        drop(attackers);
    });
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn windows_that_never_open_are_cut() {
    let big = "a".repeat(1 << 20);
    let origin = Origin::new(move |_| portunus_testkit::Response::text(&big));
    let program = start(QUICK, &origin);
    beside(&program, || {
        let mut attacker = Frames::connect(&program.address("web"));
        // A window of one byte for each stream (RFC 9113 section 6.9.2).
        attacker.send(kind::SETTINGS, flag::NONE, 0, &[0, 4, 0, 0, 0, 1]);
        for stream in 0..50 {
            attacker.get(2 * stream + 1, "/big");
        }
        // What each got of the window is a little that it has paid.
        let cut =
            || replies(&program, "client.timeout") + replies(&program, "client.answer_too_slow");
        eventually("all are cut", || cut() == 50.0);
    });
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn answers_that_are_all_asked_for_and_never_read_end_their_connection() {
    let some = "a".repeat(60_000);
    let origin = Origin::new(move |_| portunus_testkit::Response::text(&some));
    let program = start(QUICK, &origin);
    beside(&program, || {
        let mut attacker = Frames::connect(&program.address("web"));
        // As much as a window may hold, for each stream and for all.
        attacker.send(kind::SETTINGS, flag::NONE, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]);
        attacker.send(kind::WINDOW_UPDATE, flag::NONE, 0, &[0x7f, 0, 0, 0]);
        for stream in 0..98 {
            attacker.get(2 * stream + 1, "/some");
        }
        eventually("the attack is counted", || h2_errors(&program, "stalled") >= 1.0);
    });
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn rapid_resets_end_their_connection() {
    let origin = Origin::text("a");
    let program = start(QUICK, &origin);
    beside(&program, || {
        let mut attacker = Frames::connect(&program.address("web"));
        for stream in 0..2_000u32 {
            attacker.get(2 * stream + 1, "/reset");
            attacker.send(kind::RST_STREAM, flag::NONE, 2 * stream + 1, &[0, 0, 0, 8]);
        }
        eventually("the attack is counted", || h2_errors(&program, "rapid_reset") >= 1.0);
    });
    assert!(origin.requests().len() < 2_000, "all reached the origin");
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn heads_without_end_of_http_2_end_their_connection() {
    let origin = Origin::text("a");
    let program = start(QUICK, &origin);
    beside(&program, || {
        let mut attacker = Frames::connect(&program.address("web"));
        attacker.send(kind::HEADERS, flag::END_STREAM, 1, &Frames::block(&[(":method", "GET")]));
        let piece = Frames::block(&[("x", &"a".repeat(8_000))]);
        for _ in 0..200 {
            attacker.send(kind::CONTINUATION, flag::NONE, 1, &piece);
        }
        let counted = |kind| h2_errors(&program, kind);
        eventually("the attack is counted", || {
            counted("continuation") + counted("header_list") >= 1.0
        });
    });
    assert!(origin.requests().is_empty());
    crate::hostile::wait_for_rest(&program);
}

#[test]
fn a_burst_of_connections_is_bounded() {
    let config = format!("limits: {{connections_max: 50}}{QUICK}");
    let program = start(&config, &Origin::text("a"));
    let refused = || replies(&program, "overload.connections");
    beside(&program, || {
        let connect = |_| TcpStream::connect(program.address("web")).unwrap();
        let burst: Vec<TcpStream> = (0..ATTACKERS).map(connect).collect();
        eventually("what is too much is refused", || refused() >= (ATTACKERS - 50) as f64);
        drop(burst);
    });
    let open = || program.metrics().sum("portunus_listener_connections_open", &[]);
    eventually("the burst is gone", || open() < 50.0);
    assert_eq!(program.get("/fine").text(), "fine");
}
