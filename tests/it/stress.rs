//! Many clients and an origin that all misbehave at random, from a seed: nobody gets another one's answer, nothing is
//! sent twice that must not be, and in the end nothing is left over.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use portunus_testkit::{Answer, Origin, Peer, Program, Request, Response, eventually};

const SEED: u64 = 0x5eed_0f0d;
const CLIENTS: u64 = 12;
const CONNECTIONS: u64 = 200;

const CONFIG: &str = r#"
workers: 2
upstreams: {up: {endpoints: "{origin}"}}
hosts: {"*": {routes: {/own/**: {respond: "{path}"}, /**: {to: up, retry: 3}}}}
"#;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What the origin does is the first part of the path; the second is the request's own name.
fn body_of(target: &str) -> String {
    let repeat = if target.starts_with("/long") { 20_000 } else { 3 };
    format!("{target};").repeat(repeat)
}

fn misbehave(mut peer: Peer) {
    while let Some(request) = peer.head() {
        let early = request.target.starts_with("/early");
        if !early && !peer.body_of(&request).is_complete {
            return;
        }
        let Some(next) = answer(peer, &request) else { return };
        if early {
            return;
        }
        peer = next;
    }
}

/// Answers as the path says; the connection where it stays open.
#[expect(clippy::disallowed_methods, reason = "an origin that is slow; nobody waits for a time")]
fn answer(mut peer: Peer, request: &Request) -> Option<Peer> {
    let body = body_of(&request.target);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    match request.target.split('/').nth(1).unwrap_or_default() {
        "chunks" => peer.answer(&Response::chunks(&[&body, "."], &[]), &request.method),
        "close" => {
            peer.answer(&Response::until_close(&body), &request.method);
            return None;
        }
        "cut" => {
            peer.send(format!("{head}{}", &body[..body.len() / 2]));
            return None;
        }
        "extra" => {
            peer.send(format!("{head}{body}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
        }
        "gone" => return None,
        "hint" => {
            peer.send(format!("HTTP/1.1 103 Early\r\nX: 1\r\n\r\n{head}"));
            peer.send(body);
        }
        "none" => peer.answer(&Response::status(204), &request.method),
        "reset" => {
            peer.reset();
            return None;
        }
        "slow" => {
            peer.send(head);
            thread::sleep(Duration::from_millis(3));
            peer.send(body);
        }
        _ => peer.send(head + &body),
    }
    Some(peer)
}

const KINDS: [&str; 14] = [
    "chunks", "close", "cut", "early", "extra", "gone", "hint", "long", "none", "own", "plain",
    "plain", "reset", "slow",
];

struct Sent {
    method: &'static str,
    target: String,
}

/// A request, as bytes.
fn request(dice: &mut Dice, name: &str, bytes: &mut Vec<u8>) -> Sent {
    let kind = KINDS[dice.below(KINDS.len() as u64) as usize];
    let target = format!("/{kind}/{name}");
    let length = [0, 1, 500, 40_000][dice.below(4) as usize];
    let body = "b".repeat(length);
    let (method, rest) = match dice.below(4) {
        0 => ("GET", "\r\n".to_owned()),
        1 => ("POST", format!("Content-Length: {length}\r\n\r\n{body}")),
        2 => ("PUT", format!("Content-Length: {length}\r\n\r\n{body}")),
        _ => {
            let chunk =
                if length == 0 { String::new() } else { format!("{length:x}\r\n{body}\r\n") };
            ("POST", format!("Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"))
        }
    };
    bytes.extend(format!("{method} {target} HTTP/1.1\r\nHost: shop.test\r\n{rest}").bytes());
    Sent { method, target }
}

fn check(sent: &Sent, answer: &Answer) {
    let own = answer.header("proxy-status").is_some();
    let whole = answer.is_complete && answer.status == 200;
    let expected = match sent.target.split('/').nth(1) {
        Some("own") => sent.target.clone(),
        Some("chunks") => body_of(&sent.target) + ".",
        Some("cut" | "gone" | "reset") => {
            assert!(!whole, "{} {}: {answer:?}", sent.method, sent.target);
            return;
        }
        Some("none") => String::new(),
        _ => body_of(&sent.target),
    };
    assert!(own || [200, 204].contains(&answer.status), "{}: {answer:?}", sent.target);
    if whole {
        assert!(
            answer.body == expected.as_bytes(),
            "{}: {:?}",
            sent.target,
            answer.text().get(..99)
        );
    }
}

/// One connection: a few requests at once, in pieces, perhaps cut; then the answers, as far as they come.
fn converse(program: &Program, dice: &mut Dice, name: &str) -> usize {
    let mut client = program.client();
    let mut bytes = Vec::new();
    let count = 1 + dice.below(4);
    let sent: Vec<_> =
        (0..count).map(|at| request(dice, &format!("{name}-{at}"), &mut bytes)).collect();
    let fate = dice.below(8);
    if fate < 2 {
        bytes.truncate(dice.below(bytes.len() as u64) as usize);
    }
    for piece in bytes.chunks(1 + dice.below(30_000) as usize) {
        client.send(piece);
    }
    match fate {
        0 | 2 => {
            client.reset();
            return 0;
        }
        1 | 3 => client.half_close(),
        _ => {}
    }
    let mut answers = 0;
    for one in &sent {
        match catch_unwind(AssertUnwindSafe(|| client.read_for(one.method))) {
            Ok(answer) => {
                // A request that was cut is refused, whatever it asked for.
                if fate != 1 {
                    check(one, &answer);
                }
                answers += 1;
                if !answer.keeps_connection() {
                    return answers;
                }
            }
            Err(panic) => {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                let ended = why.contains("instead of an answer") || why.contains("within a head");
                assert!(ended, "{why}");
                return answers;
            }
        }
    }
    answers
}

#[test]
fn nobody_gets_another_one_s_answer_and_nothing_is_left_over() {
    let origin = Origin::raw(misbehave);
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    let answers: usize = thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|client| {
            let program = &program;
            scope.spawn(move || {
                let mut dice = Dice(SEED + client);
                let name = |at| format!("{client}-{at}");
                (0..CONNECTIONS).map(|at| converse(program, &mut dice, &name(at))).sum::<usize>()
            })
        });
        #[expect(clippy::needless_collect, reason = "all clients run at once")]
        let clients: Vec<_> = clients.collect();
        clients.into_iter().map(|client| client.join().expect("a client's checks hold")).sum()
    });
    assert!(answers > 300, "only {answers} answers");
    let mut posts = BTreeMap::new();
    for request in origin.requests().iter().filter(|request| request.method == "POST") {
        *posts.entry(request.target.clone()).or_insert(0) += 1;
    }
    let twice: Vec<_> = posts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent more than once: {twice:?}");
    let at_rest = |gauge: &str| program.metrics().sum(gauge, &[("listener", "web")]) == 0.0;
    eventually("all connections of clients are closed", || {
        at_rest("portunus_listener_connections_open")
    });
    eventually("no exchange is left", || {
        let metrics = program.metrics();
        ["listener", "route", "upstream", "endpoint"]
            .iter()
            .all(|kind| metrics.sum(&format!("portunus_{kind}_requests_in_flight"), &[]) == 0.0)
    });
    assert!(!program.stderr().contains("panicked"), "{}", program.stderr());
    program.stop();
}
