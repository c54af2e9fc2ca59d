//! Certificates by ACME through the program, from a real authority: Debian's `pebble`.
//!
//! Each test says that it is skipped where that is not installed.

use std::thread;

use portunus_testkit::{
    Client, Folder, Gate, Metrics, Origin, Pebble, PebbleSetup, Program, Refused, Response,
    TlsClient, eventually, free_port, local_names,
};

/// A newcomer's file, but for its ports and its authority.
const CONFIG: &str = r#"
acme: {email: ops@example.com, directory: "{directory}", ca: ca.pem, challenge: {challenge}, storage: {storage}}
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: {}}
hosts:
  shop.example.com: {routes: {/**: {respond: fine}}}
"#;

/// What a test begins with: the ports that the authority looks at are the program's.
struct World {
    pebble: Pebble,
    program: Program,
    storage: Folder,
}

impl World {
    /// Starts the program before there is an authority, and reloads it when there is one; `None` where there is
    /// none.
    fn start(config: &str, fill: impl Fn(&str) -> String) -> Option<Self> {
        let storage = Folder::new();
        let text = |directory: &str| {
            let storage = storage.path("acme").display().to_string();
            fill(config).replace("{directory}", directory).replace("{storage}", &storage)
        };
        let down = format!("https://127.0.0.1:{}/dir", free_port());
        let authority = portunus_testkit::Authority::new("nobody's");
        let setup = Program::config(&text(&down)).file("ca.pem", &authority.pem());
        let program = setup.start();
        let port = |listener: &str| -> u16 {
            let address = program.address(listener);
            address.rsplit(':').next().unwrap().parse().unwrap()
        };
        let (http_port, tls_port, dns_port) = (port("web"), port("secure"), local_names());
        let setup = PebbleSetup { http_port, tls_port, dns_port, ..PebbleSetup::default() };
        let pebble = Pebble::start(&setup)?;
        program.folder().write("ca.pem", pebble.roots());
        program.reload(&text(&pebble.directory()));
        Some(Self { pebble, program, storage })
    }

    fn orders(&self, result: &str) -> f64 {
        orders(&self.program.metrics(), result)
    }

    /// Waits until a client that trusts the authority gets a certificate.
    fn wait_for_certificate(&self) -> TlsClient {
        eventually("a certificate is issued", || self.orders("success") >= 1.0);
        self.pebble.client()
    }
}

fn orders(metrics: &Metrics, result: &str) -> f64 {
    metrics.sum("portunus_acme_orders_total", &[("result", result)])
}

fn by(challenge: &str) -> impl Fn(&str) -> String {
    move |config| config.replace("{challenge}", challenge)
}

#[test]
fn a_newcomer_s_file_is_served_over_tls_by_either_challenge() {
    for challenge in ["http-01", "tls-alpn-01"] {
        let Some(world) = World::start(CONFIG, by(challenge)) else { return };
        let client = world.wait_for_certificate();
        let mut secure = client.h1(&world.program.address("secure"), "shop.example.com");
        assert_eq!(secure.get("/").text(), "fine", "{challenge}");
        let mut plain = world.program.client().for_host("shop.example.com");
        let answer = plain.get("/a?b");
        assert_eq!(answer.status, 308, "{challenge}: {answer:?}");
        let location = answer.header("location").unwrap_or_default();
        assert!(location.starts_with("https://shop.example.com"), "{location}");
        let expiry = world.program.metrics();
        let expiry = expiry.sum("portunus_certificate_expiry_timestamp_seconds", &[]);
        assert!(expiry > 1_700_000_000.0, "{expiry}");
    }
}

#[test]
fn while_the_directory_is_down_the_old_certificate_stays_and_it_is_said() {
    let Some(mut world) = World::start(CONFIG, by("http-01")) else { return };
    // It was down at the start.
    assert!(world.orders("failure") >= 1.0);
    let client = world.wait_for_certificate();
    let failures = world.orders("failure");
    world.pebble.kill();
    let more = "hosts:\n  other.example.com: {routes: {/**: {respond: other}}}";
    let config = world.program.folder().read("portunus.yaml").replace("hosts:", more);
    world.program.reload(&config);
    eventually("the failure is counted", || world.orders("failure") > failures);
    let errors = world.program.metrics();
    assert!(errors.sum("portunus_acme_errors_total", &[("kind", "unreachable")]) >= 1.0);
    let is_about_it =
        |line: &str| line.contains("no new certificate") && line.contains("other.example.com");
    world.program.wait_for_stderr(is_about_it);
    let lines = world.program.stderr();
    assert_eq!(lines.lines().filter(|line| is_about_it(line)).count(), 1, "{lines}");
    let mut secure = client.fresh().h1(&world.program.address("secure"), "shop.example.com");
    assert_eq!(secure.get("/").text(), "fine");
}

#[test]
fn a_restart_serves_what_is_stored_and_orders_nothing() {
    let Some(mut world) = World::start(CONFIG, by("tls-alpn-01")) else { return };
    let client = world.wait_for_certificate();
    let config = world.program.folder().read("portunus.yaml");
    let ca = world.program.folder().read("ca.pem");
    let address = world.program.address("secure");
    let before = client.h1(&address, "shop.example.com").tls().certificate().to_vec();
    world.pebble.kill();
    world.program.stop();
    let program = Program::config(&config).file("ca.pem", &ca).start();
    let address = program.address("secure");
    eventually("the stored certificate is served", || {
        client.fresh().try_h1(&address, "shop.example.com").is_ok()
    });
    let after = client.fresh().h1(&address, "shop.example.com").tls().certificate().to_vec();
    assert_eq!(before, after);
    let metrics = program.metrics();
    assert_eq!((orders(&metrics, "success"), orders(&metrics, "failure")), (0.0, 0.0));
    drop(world.storage);
}

/// Nobody is known beforehand.
const ON_DEMAND: &str = r#"
acme: {on_demand: "{ask}", directory: "{directory}", ca: ca.pem, challenge: tls-alpn-01, storage: {storage}}
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: {}}
hosts: {"*": {routes: {/**: {respond: fine}}}}
"#;

#[test]
fn on_demand_a_handshake_waits_for_its_certificate_and_nobody_else_does() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let ask = Origin::new(move |request| {
        waiting.wait();
        match request.target.starts_with("/may?domain=good") {
            true => Response::status(200),
            false => Response::status(403),
        }
    });
    let fill = |config: &str| config.replace("{ask}", &format!("{ask}/may"));
    let Some(world) = World::start(ON_DEMAND, fill) else { return };
    let address = world.program.address("secure");
    let client = world.pebble.client();
    let shakes = |name: &'static str| {
        let (client, address) = (client.fresh(), address.clone());
        thread::spawn(move || client.try_h1(&address, name))
    };
    let waiting = [shakes("good.example.com"), shakes("good.example.com")];
    ask.wait_for(1);
    // The one worker has time for others while both wait.
    assert_eq!(world.program.get("/").text(), "fine");
    gate.open();
    for thread in waiting {
        let mut client = thread.join().unwrap().expect("there is a certificate for it");
        assert_eq!(client.get("/").text(), "fine");
    }
    assert_eq!(ask.requests().len(), 1, "both waited for one answer");
    assert_eq!(world.orders("success"), 1.0);
    // Afterwards nobody is asked.
    assert_eq!(client.fresh().h1(&address, "good.example.com").get("/").text(), "fine");
    assert_eq!(ask.requests().len(), 1);
}

#[test]
fn on_demand_a_name_that_is_refused_gets_no_certificate_and_is_asked_about_once() {
    let ask = Origin::new(|_| Response::status(403));
    let fill = |config: &str| config.replace("{ask}", &format!("{ask}/may"));
    let Some(world) = World::start(ON_DEMAND, fill) else { return };
    let address = world.program.address("secure");
    for _ in 0..3 {
        let refused = world.pebble.client().try_h1(&address, "bad.example.com").map(|_: Client| ());
        assert!(matches!(refused, Err(Refused::Alert(_))), "{refused:?}");
    }
    assert_eq!(ask.requests().len(), 1);
    let metrics = world.program.metrics();
    assert_eq!(metrics.sum("portunus_acme_errors_total", &[("kind", "refused")]), 1.0);
    assert_eq!((orders(&metrics, "success"), orders(&metrics, "failure")), (0.0, 0.0));
}

#[test]
fn on_demand_made_up_names_are_asked_about_at_a_bounded_rate() {
    let ask = Origin::new(|_| Response::status(403));
    let fill = |config: &str| config.replace("{ask}", &format!("{ask}/may"));
    let Some(world) = World::start(ON_DEMAND, fill) else { return };
    let (client, address) = (world.pebble.client(), world.program.address("secure"));
    let mut shakes = Vec::new();
    for number in 0..40 {
        let (client, address) = (client.fresh(), address.clone());
        let name = format!("made-up-{number}.example.com");
        shakes.push(thread::spawn(move || client.try_h1(&address, &name).is_err()));
    }
    assert_eq!(world.program.get("/").text(), "fine");
    assert!(shakes.into_iter().all(|shake| shake.join().unwrap()));
    // Ten in a minute, and those that came back meanwhile.
    let asked = ask.requests().len();
    assert!((1..=12).contains(&asked), "{asked}");
    let metrics = world.program.metrics();
    assert!(metrics.sum("portunus_acme_errors_total", &[("kind", "busy")]) >= 1.0);
}
