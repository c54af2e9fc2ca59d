//! `portunus demo` in both forms, driven over its printed addresses.

mod running;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use portunus_testkit::{Answer, Client, eventually};

use running::{Again, Demo, portunus, runs};

#[test]
fn a_shop_in_one_process_keeps_its_state_and_spreads_the_load() {
    let demo = Demo::start(&[]);
    let mut client = demo.client("shop");
    check_all_services(&mut client);
    check_state(&mut client);
    check_refusals(&mut client);
    check_all_services(&mut demo.h1());
    assert_eq!(demo.h2().get("/users/1").json()["id"], 1);
    let ready = demo.client("admin").request("GET", "/readyz").host("localhost").send();
    assert_eq!(ready.status, 200, "{ready:?}");
    demo.stop();
}

#[test]
fn two_tiers_lose_no_get_when_gateways_and_replicas_die() {
    let demo = Demo::start(&["--two-tier"]);
    check_all_services(&mut demo.client("edge"));
    check_state(&mut demo.h1());
    let load = Load::default();
    thread::scope(|scope| {
        let run = |get| scope.spawn(|| load.run(get));
        let clients: Vec<_> = clients(&demo).into_iter().map(run).collect();
        let guard = StopOnDrop(&load.stop);
        load.wait_for_more();
        demo.end("gateway-1", "KILL");
        load.wait_for_more();
        demo.end("users-1", "KILL");
        demo.end("orders-2", "TERM");
        load.wait_for_more();
        let _gateway = Again::start(&demo.folder.join("gateway-1.yaml"));
        eventually("requests through the gateway that came back", || {
            demo.client("edge").get("/users").header("x-gateway") == Some("gateway-1")
        });
        demo.end("gateway-2", "KILL");
        load.wait_for_more();
        drop(guard);
        for client in clients {
            client.join().unwrap();
        }
    });
    demo.stop();
}

#[test]
fn services_behind_two_tiers_know_the_client_and_believe_no_claims() {
    let demo = Demo::start(&["--two-tier"]);
    for (address, version) in [
        ("127.0.0.2", "--http1.1"),
        ("127.0.0.3", "--http2"),
        ("127.0.0.1", "--http1.1"),
        ("127.0.0.1", "--http2"),
    ] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--interface", address, version, "--cacert"]);
        curl.arg(&demo.authority).args(["--header", "X-Forwarded-For: 203.0.113.1"]);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_version} %header{x-client}"]);
        let Ok(output) = curl.arg(format!("{}/users", demo.url())).output() else {
            println!("skipped: curl is not installed");
            return;
        };
        let said = String::from_utf8(output.stdout).unwrap();
        let version = if version == "--http2" { "2" } else { "1.1" };
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, format!("{version} {address}"), "{error}");
    }
    demo.stop();
}

#[test]
fn the_commands_that_are_shown_work() {
    let demo = Demo::start(&[]);
    let commands = demo.commands();
    assert_eq!(commands.len(), 9, "{commands:?}");
    let mut versions = BTreeSet::new();
    for command in commands {
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        if output.status.code() == Some(NO_SUCH_COMMAND) {
            println!("skipped: curl is not installed");
            return;
        }
        assert!(output.status.success() && !output.stdout.is_empty(), "{command}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        versions.insert(said.split(' ').next().unwrap().to_owned());
    }
    assert!(versions.contains("HTTP/2") && versions.contains("HTTP/1.1"), "{versions:?}");
    demo.stop();
}

#[test]
fn processes_of_two_tiers_end_with_their_parent() {
    let mut demo = Demo::start(&["--two-tier"]);
    assert_eq!(demo.processes.len(), 9);
    assert!(demo.processes.values().all(|id| runs(id)));
    demo.child.kill().unwrap();
    demo.child.wait().unwrap();
    demo.assert_nothing_runs();
    std::fs::remove_dir_all(&demo.folder).unwrap();
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = portunus().args(["demo", "--port", &port.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("port {port} is in use")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

/// Requests that go on until they are stopped.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    answers: AtomicU64,
}

impl Load {
    /// Asks for one thing after the other; every answer must be there, whole and good.
    fn run(&self, mut get: Get) {
        for path in ["/users/1", "/orders/1", "/inventory/1"].iter().cycle() {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let answer = get(path);
            assert!(answer.status == 200 && answer.is_complete, "{answer:?}");
            assert_eq!(answer.json()["id"], 1);
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wait_for_more(&self) {
        let enough = self.answers.load(Ordering::Relaxed) + 400;
        eventually("more answers", || self.answers.load(Ordering::Relaxed) >= enough);
    }
}

/// Asks for a path, over a connection that stays.
type Get = Box<dyn FnMut(&str) -> Answer + Send>;

/// Clients without TLS, with TLS and HTTP/1, and with TLS and HTTP/2.
fn clients(demo: &Demo) -> Vec<Get> {
    let kinds: [&dyn Fn() -> Get; 3] =
        [&|| over_h1(demo.client("edge")), &|| over_h1(demo.h1()), &|| {
            let client = demo.h2();
            Box::new(move |path| client.get(path))
        }];
    kinds.iter().flat_map(|client| [client(), client()]).collect()
}

fn over_h1(mut client: Client) -> Get {
    Box::new(move |path| {
        let answer = client.get(path);
        assert!(answer.keeps_connection(), "{answer:?}");
        answer
    })
}

/// Lets the threads of a scope end also when the test fails.
struct StopOnDrop<'s>(&'s AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Each service answers, each by both of its replicas.
fn check_all_services(client: &mut Client) {
    for service in ["users", "orders", "inventory"] {
        let mut served = BTreeSet::new();
        eventually("answers of both replicas", || {
            let answer = client.get(&format!("/{service}"));
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.header("x-request-id").is_some(), "{answer:?}");
            assert!(answer.json().as_array().is_some_and(|items| items.len() >= 2));
            served.insert(answer.header("x-served-by").unwrap().to_owned());
            served.len() == 2
        });
        assert!(served.iter().all(|name| name.starts_with(service)), "{served:?}");
    }
}

/// What one replica is told, the other one knows.
fn check_state(client: &mut Client) {
    let created = client.request("POST", "/orders").body(r#"{"user":2,"paid":false}"#).send();
    assert_eq!(created.status, 201, "{created:?}");
    let place = created.header("location").unwrap().to_owned();
    let everywhere = |client: &mut Client, check: &dyn Fn(&Answer)| {
        for _ in 0..8 {
            check(&client.get(&place));
        }
    };
    everywhere(client, &|answer| assert_eq!(answer.json()["paid"], false));
    let replaced = client.request("PUT", &place).body(r#"{"user":2,"paid":true}"#).send();
    assert_eq!(replaced.status, 200, "{replaced:?}");
    everywhere(client, &|answer| assert_eq!(answer.json()["paid"], true));
    assert_eq!(client.request("DELETE", &place).send().status, 204);
    everywhere(client, &|answer| assert_eq!(answer.status, 404));
}

fn check_refusals(client: &mut Client) {
    let patched = client.request("PATCH", "/users/1").body("{}").send();
    assert_eq!(patched.status, 405, "{patched:?}");
    assert_eq!(patched.header("allow"), Some("GET, HEAD, PUT, DELETE"));
    assert_eq!(client.request("POST", "/users").body("[").send().status, 400);
    client.get("/nowhere").assert_own(404, "route.none");
}

/// How a shell says that it found no such command.
const NO_SUCH_COMMAND: i32 = 127;
