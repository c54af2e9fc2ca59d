//! Clients that mean harm: each is stopped or bounded, others are served meanwhile, and it is
//! counted.
//!
//! The client is a script on the bare frames of the `h2` library from the Python package index.

use portunus_testkit::{H2Client, Origin, Program, Response, Transport, eventually};

use crate::python::Script;

const FLOOD: &str = include_str!("../../python/h2_flood.py");

/// What a flood may cost in memory beyond what the program has anyway.
const MEMORY_MAX: u64 = 24 << 20;
const ENHANCE_YOUR_CALM: i64 = 11;

struct Flood {
    origin: Origin,
    program: Program,
    other: H2Client,
    memory: u64,
}

impl Flood {
    fn start(origin: Origin) -> Self {
        let program = Program::before(&origin);
        let other = H2Client::connect(&program.address("web"));
        for _ in 0..20 {
            assert_eq!(other.get("/fine").text(), "fine");
        }
        let memory = peak_memory(&program);
        Self { origin, program, other, memory }
    }

    fn script(&self, case: &str, count: usize) -> Option<Script> {
        let address = self.program.address("web");
        let (host, port) = address.rsplit_once(':').unwrap();
        Script::start(FLOOD, &[host, port, case, &count.to_string()])
    }

    /// Runs a case to its end, while another connection is served all the time.
    #[track_caller]
    fn run(&self, case: &str, count: usize) -> Option<Outcome> {
        let mut script = self.script(case, count)?;
        let outcome = std::thread::scope(|scope| {
            let attack = scope.spawn(move || Outcome(script.json()));
            while !attack.is_finished() {
                assert_eq!(self.other.get("/fine").text(), "fine");
            }
            attack.join().unwrap()
        });
        self.check_rest(case, &outcome);
        Some(outcome)
    }

    /// Nothing is left of the attack: neither memory nor requests under way.
    #[track_caller]
    fn check_rest(&self, case: &str, outcome: &Outcome) {
        let grown = peak_memory(&self.program).saturating_sub(self.memory);
        assert!(grown < MEMORY_MAX, "{case}: {} KB more; {outcome:?}", grown >> 10);
        assert_eq!(self.other.get("/fine").text(), "fine");
        crate::hostile::wait_for_rest(&self.program);
    }

    /// How often a connection of HTTP/2 was found to misbehave in this way.
    fn counted(&self, kind: &str) -> f64 {
        let labels = [("listener", "web"), ("kind", kind)];
        self.program.metrics().sum("portunus_listener_h2_errors_total", &labels)
    }

    #[track_caller]
    fn assert_counted(&self, kind: &str) {
        eventually(&format!("{kind} is counted"), || self.counted(kind) >= 1.0);
    }
}

/// What the script saw.
#[derive(Debug)]
struct Outcome(serde_json::Value);

impl Outcome {
    /// The connection was ended, and by GOAWAY with an error unless that was lost on the way.
    #[track_caller]
    fn assert_ended(&self) {
        assert_eq!(self.0["closed"], true, "{self:?}");
        let goaway = self.0["goaway"].as_i64();
        assert!(goaway.is_none_or(|code| code > 0), "{self:?}");
    }

    fn sent(&self) -> u64 {
        self.0["sent"].as_u64().unwrap()
    }
}

/// The most memory that the program ever had.
fn peak_memory(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn fine() -> Origin {
    Origin::text("fine")
}

#[test]
fn rapid_resets_end_the_connection() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("rapid_reset", 20_000) else { return };
    outcome.assert_ended();
    assert_eq!(outcome.0["goaway"], ENHANCE_YOUR_CALM, "{outcome:?}");
    flood.assert_counted("rapid_reset");
    let reached =
        flood.origin.requests().iter().filter(|request| request.target == "/flood").count();
    assert!(reached < 2000, "{reached} requests reached the origin");
}

#[test]
fn resets_that_the_client_provokes_end_the_connection_too() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("resets_provoked", 20_000) else { return };
    outcome.assert_ended();
    let reached =
        flood.origin.requests().iter().filter(|request| request.target == "/flood").count();
    assert!(reached < 2000, "{reached} requests reached the origin");
}

#[test]
fn a_head_that_never_ends_is_cut_by_its_size() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("continuations", 10_000) else { return };
    outcome.assert_ended();
    assert!(outcome.sent() < 16 << 20, "{outcome:?}");
    flood.assert_counted("continuation");
}

#[test]
fn a_head_that_goes_on_with_nothing_is_cut_too() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("continuations_empty", 200_000) else { return };
    outcome.assert_ended();
    flood.assert_counted("continuation");
}

#[test]
fn settings_without_end_are_bounded() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("settings", 200_000) else { return };
    outcome.assert_ended();
    assert_eq!(outcome.0["goaway"], ENHANCE_YOUR_CALM, "{outcome:?}");
    flood.assert_counted("settings");
}

#[test]
fn settings_whose_answers_nobody_reads_take_no_memory() {
    let flood = Flood::start(fine());
    if flood.run("settings_unread", 2_000_000).is_some() {
        flood.assert_counted("settings");
    }
}

#[test]
fn pings_without_end_are_bounded() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("pings", 200_000) else { return };
    outcome.assert_ended();
    assert_eq!(outcome.0["goaway"], ENHANCE_YOUR_CALM, "{outcome:?}");
    flood.assert_counted("ping");
}

#[test]
fn pings_whose_answers_nobody_reads_take_no_memory() {
    let flood = Flood::start(fine());
    if flood.run("pings_unread", 2_000_000).is_some() {
        flood.assert_counted("ping");
    }
}

#[test]
fn empty_frames_without_end_are_bounded() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("empty_data", 200_000) else { return };
    outcome.assert_ended();
    flood.assert_counted("empty_frames");
}

#[test]
fn frames_of_padding_alone_are_bounded() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("padded_data", 200_000) else { return };
    outcome.assert_ended();
}

#[test]
fn priorities_without_end_are_bounded() {
    let flood = Flood::start(fine());
    // They cost the reading alone: neither an answer nor memory.
    let _ = flood.run("priorities", 200_000);
}

#[test]
fn windows_in_small_steps_are_bounded() {
    let flood = Flood::start(fine());
    let _ = flood.run("window_updates", 200_000);
}

#[test]
fn a_head_that_grows_when_it_is_unpacked_is_refused() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("header_bomb", 50) else { return };
    let reached: Vec<_> = flood.origin.requests();
    let bombs = reached.iter().filter(|request| request.headers.all("x").count() > 1).count();
    assert_eq!(bombs, 0, "{outcome:?}");
    flood.assert_counted("header_list");
}

#[test]
fn a_head_larger_than_allowed_is_refused_by_431_or_the_end() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("huge_list", 300) else { return };
    let reached =
        flood.origin.requests().iter().filter(|request| request.target == "/flood").count();
    assert_eq!(reached, 0, "{outcome:?}");
    // Whichever limit it meets first: that of a head, or that of the frames of one.
    eventually("it is counted", || {
        flood.counted("header_list") + flood.counted("continuation") >= 1.0
    });
}

#[test]
fn a_head_a_little_larger_than_allowed_is_answered_by_431() {
    let flood = Flood::start(fine());
    let client = H2Client::connect(&flood.program.address("web"));
    let value = "a".repeat(1000);
    let mut sending = client.request("GET", "/flood");
    for at in 0..80 {
        sending = sending.header(&format!("x-{at}"), &value);
    }
    assert_eq!(sending.send().status, 431);
    // The connection serves its other requests.
    assert_eq!(client.get("/fine").text(), "fine");
    let reached = flood.origin.requests().into_iter().filter(|it| it.target == "/flood");
    assert_eq!(reached.count(), 0);
}

#[test]
fn more_requests_at_once_than_allowed_are_refused_one_by_one() {
    let flood = Flood::start(fine());
    let Some(outcome) = flood.run("many_streams", 300) else { return };
    // REFUSED_STREAM: the client may ask again.
    let refused = outcome.0["resets"]["7"].as_u64().unwrap_or_default();
    assert!(refused >= 150 || outcome.0["closed"] == true, "{outcome:?}");
}

#[test]
fn answers_that_nobody_lets_come_are_held_back_at_the_origin() {
    let origin = Origin::new(|request| match request.target.as_str() {
        "/fine" => Response::text("fine"),
        _ => Response::text(vec![b'a'; 4 << 20]),
    });
    let flood = Flood::start(origin);
    let Some(mut script) = flood.script("zero_window", 90) else { return };
    let outcome = Outcome(script.json());
    assert_eq!(outcome.0["closed"], false, "{outcome:?}");
    flood.origin.wait_for(20 + 90);
    for _ in 0..100 {
        assert_eq!(flood.other.get("/fine").text(), "fine");
    }
    let grown = peak_memory(&flood.program).saturating_sub(flood.memory);
    // Ninety times the buffer of one stream, and not ninety answers of four megabytes.
    assert!(grown < 90 * (256 << 10) + MEMORY_MAX, "{} KB more", grown >> 10);
    script.say("go");
    drop(script);
    crate::hostile::wait_for_rest(&flood.program);
}

#[test]
fn an_upstream_that_floods_hurts_its_own_requests_alone() {
    let bad = Origin::raw(|mut peer| {
        // A preface, then frames without end: this is no answer.
        peer.read_bytes(24);
        peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let pings = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8].repeat(1000);
        for _ in 0..1000 {
            peer.send(&pings);
        }
        peer.wait_for_close();
    });
    let good = Origin::over(Transport::h2(), |_| Response::text("fine"));
    let config = r#"
upstreams:
  bad: {endpoints: "{bad}", http: 2, timeouts: {first_byte: 1s}}
  good: {endpoints: "{good}", http: 2}
hosts: {"*": {routes: {/bad: {to: bad, retry: 1}, /**: good}}}
"#;
    let program = Program::config(config).fill("bad", &bad).fill("good", &good).start();
    let client = H2Client::connect(&program.address("web"));
    let asked = client.request("GET", "/bad").start().unwrap();
    for _ in 0..50 {
        assert_eq!(client.get("/fine").text(), "fine");
    }
    let answer = asked.finish();
    assert!([502, 504].contains(&answer.status), "{answer:?}");
    crate::hostile::wait_for_rest(&program);
}
