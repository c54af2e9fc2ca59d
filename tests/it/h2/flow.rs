//! Flow control from end to end: whoever reads slowly slows the other side down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portunus_testkit::{Gate, H2Client, Origin, Program, Transport, eventually};

const BY_HTTP_2: &str =
    "upstreams: {up: {endpoints: \"{origin}\", http: 2}}\nhosts: {\"*\": {routes: {/**: up}}}\n";
const BY_HTTP_1: &str = "hosts: {\"*\": {routes: {/**: \"{origin}\"}}}\n";
const ALL: usize = 64 << 20;
/// What the program and the sockets may hold of one stream that nobody reads.
const HELD_MAX: usize = 16 << 20;
const PIECE: usize = 64 << 10;

/// The most memory that the program ever had.
fn peak_memory(program: &Program) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Waits until a count does not change any more, while the program is kept busy otherwise.
fn rest(program: &Program, count: &AtomicUsize) -> usize {
    let mut last = usize::MAX;
    eventually("the count comes to rest", || {
        for _ in 0..20 {
            assert_eq!(program.admin("/healthz").status, 200);
        }
        let now = count.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now && now > 0
    });
    last
}

/// An origin that counts how much of a long answer was taken from it.
fn counting(is_h2: bool) -> (Origin, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let origin = match is_h2 {
        true => Origin::h2_raw(Transport::h2(), move |mut exchange| {
            exchange.begin(200, &[]);
            for _ in 0..ALL / PIECE {
                count.fetch_add(exchange.send_as_taken(vec![b'a'; PIECE]), Ordering::SeqCst);
            }
            exchange.end();
        }),
        false => Origin::raw(move |peer| {
            use std::io::{Read as _, Write as _};
            let mut stream = peer.into_tcp();
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {ALL}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            for _ in 0..ALL / PIECE {
                if stream.write_all(&[b'a'; PIECE]).is_err() {
                    return;
                }
                count.fetch_add(PIECE, Ordering::SeqCst);
            }
        }),
    };
    (origin, taken)
}

fn a_slow_reader(is_h2: bool) {
    let (origin, taken) = counting(is_h2);
    let config = if is_h2 { BY_HTTP_2 } else { BY_HTTP_1 };
    let program = Program::config(config).fill("origin", &origin).start();
    let client = H2Client::connect_with(&program.address("web"), 65_535);
    let before = peak_memory(&program);
    let mut stream = client.request("GET", "/").start().unwrap();
    assert_eq!(stream.head().0, 200);
    let held = rest(&program, &taken);
    assert!(held < HELD_MAX, "{held} bytes were taken that nobody reads");
    let mut read = 0;
    while let Some(bytes) = stream.data() {
        read += bytes.len();
    }
    assert_eq!(read, ALL);
    let grown = peak_memory(&program).saturating_sub(before);
    assert!(grown < HELD_MAX, "{} KB more memory", grown >> 10);
}

#[test]
fn a_slow_reader_slows_down_an_origin_of_http_1() {
    a_slow_reader(false);
}

#[test]
fn a_slow_reader_slows_down_an_origin_of_http_2() {
    a_slow_reader(true);
}

/// An origin that reads a body when it is told to.
fn waiting(is_h2: bool, gate: &Gate) -> Origin {
    let opened = gate.clone();
    match is_h2 {
        true => Origin::h2_raw(Transport::h2(), move |mut exchange| {
            exchange.record();
            opened.wait();
            let body = exchange.read_body();
            exchange.answer(&portunus_testkit::Response::text(body.bytes.len().to_string()));
        }),
        false => Origin::raw(move |mut peer| {
            let head = peer.head().unwrap();
            opened.wait();
            let body = peer.body_of(&head);
            peer.answer(&portunus_testkit::Response::text(body.bytes.len().to_string()), "POST");
        }),
    }
}

fn a_slow_upload(is_h2: bool) {
    let gate = Gate::new();
    let origin = waiting(is_h2, &gate);
    let config = if is_h2 { BY_HTTP_2 } else { BY_HTTP_1 };
    let program = Program::config(config).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let before = peak_memory(&program);
    let mut stream = client.request("POST", "/").open();
    for _ in 0..ALL / PIECE {
        stream.send_later(vec![b'a'; PIECE]);
    }
    stream.end();
    origin.wait_for(1);
    for _ in 0..200 {
        assert_eq!(program.admin("/healthz").status, 200);
    }
    gate.open();
    assert_eq!(stream.finish().text(), ALL.to_string());
    let grown = peak_memory(&program).saturating_sub(before);
    assert!(grown < HELD_MAX, "{} KB more memory", grown >> 10);
}

#[test]
fn an_origin_of_http_1_that_reads_slowly_slows_down_the_client() {
    a_slow_upload(false);
}

#[test]
fn an_origin_of_http_2_that_reads_slowly_slows_down_the_client() {
    a_slow_upload(true);
}

#[test]
fn a_stream_that_nobody_reads_does_not_take_the_window_of_the_others() {
    for is_h2 in [false, true] {
        let (origin, taken) = counting(is_h2);
        let config = if is_h2 { BY_HTTP_2 } else { BY_HTTP_1 };
        let program = Program::config(config).fill("origin", &origin).start();
        let client = H2Client::connect_with(&program.address("web"), 65_535);
        // The client's window for the connection is a megabyte: sixteen such streams.
        let mut unread: Vec<_> =
            (0..8).map(|_| client.request("GET", "/unread").start().unwrap()).collect();
        for stream in &mut unread {
            assert_eq!(stream.head().0, 200);
        }
        rest(&program, &taken);
        let mut read = client.request("GET", "/read").start().unwrap();
        let mut count = 0;
        while let Some(bytes) = read.data() {
            count += bytes.len();
        }
        assert_eq!(count, ALL);
        for stream in &mut unread {
            stream.cancel();
        }
        drop(unread);
        crate::hostile::wait_for_rest(&program);
    }
}

#[test]
fn bodies_pass_both_ways_at_once() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.begin(200, &[]);
        loop {
            let piece = exchange.read_some();
            if piece.is_empty() {
                break;
            }
            exchange.send(piece);
        }
        exchange.end();
    });
    let program = Program::config(BY_HTTP_2).fill("origin", &origin).start();
    let client = H2Client::connect(&program.address("web"));
    let mut stream = client.request("POST", "/").open();
    for word in ["ping", "pong", "once more"] {
        stream.send(word);
        assert_eq!(stream.read(word.len()), word.as_bytes());
    }
    stream.end();
    assert_eq!(stream.finish().text(), "");
}
