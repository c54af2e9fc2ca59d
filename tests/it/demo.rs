//! `portunus demo` in both forms, driven over its printed addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use portunus_testkit::{Answer, Client, DEADLINE, eventually};

/// A running demonstration. Dropping it kills it, and with it all that it started.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    /// Addresses by name: `shop`, `edge`, `users-1`.
    addresses: BTreeMap<String, String>,
    /// Process ids by name.
    processes: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut command = portunus();
        command.args(["demo", "--port", "0", "--admin-port", "0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines(&mut child);
        let (addresses, processes) = Default::default();
        let mut demo = Self { child, lines, addresses, processes, folder: PathBuf::new() };
        while let Some(line) = demo.next_line().filter(|line| line != "ready") {
            demo.note(&line);
        }
        demo
    }

    /// The next line after `demo: `.
    fn next_line(&self) -> Option<String> {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("the demo says more");
            if let Some(line) = line.strip_prefix("demo: ") {
                return Some(line.to_owned());
            }
        }
    }

    /// Takes in `NAME on http://ADDRESS (pid ID)`.
    fn note(&mut self, line: &str) {
        if let Some(folder) = line.strip_prefix("files in ") {
            self.folder = folder.into();
            return;
        }
        let (name, place) = line.split_once(" on http://").unwrap();
        let (address, id) = place.split_once(" (pid ").unwrap_or((place, ""));
        self.addresses.insert(name.to_owned(), address.to_owned());
        if let Some(id) = id.strip_suffix(')') {
            self.processes.insert(name.to_owned(), id.to_owned());
        }
    }

    fn client(&self, name: &str) -> Client {
        Client::connect(&self.addresses[name])
    }

    /// Sends a signal to one of its processes and waits until the demo has noticed its end.
    fn end(&self, name: &str, signal: &str) {
        let id = &self.processes[name];
        send(signal, id);
        let start = format!("{name} (pid {id}) ended");
        while !self.next_line().is_some_and(|line| line.starts_with(&start)) {}
    }

    /// Stops it as Ctrl-C does; it must end well.
    fn stop(mut self) {
        send("INT", &self.child.id().to_string());
        let mut status = None;
        eventually("the end of the demo", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0));
        self.assert_nothing_runs();
        assert!(!self.folder.join("edge.yaml").exists());
    }

    fn assert_nothing_runs(&self) {
        for (name, id) in &self.processes {
            eventually(&format!("the end of {name}"), || !runs(id));
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_shop_in_one_process_keeps_its_state_and_spreads_the_load() {
    let demo = Demo::start(&[]);
    let mut client = demo.client("shop");
    check_all_services(&mut client);
    check_state(&mut client);
    check_refusals(&mut client);
    let ready = demo.client("admin").request("GET", "/readyz").host("localhost").send();
    assert_eq!(ready.status, 200, "{ready:?}");
    demo.stop();
}

#[test]
fn two_tiers_lose_no_get_when_gateways_and_replicas_die() {
    let demo = Demo::start(&["--two-tier"]);
    check_all_services(&mut demo.client("edge"));
    check_state(&mut demo.client("edge"));
    let load = Load::default();
    thread::scope(|scope| {
        let run = |client| scope.spawn(|| load.run(client));
        let clients = [(); CLIENTS].map(|()| run(demo.client("edge")));
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
    fn run(&self, mut client: Client) {
        for path in ["/users/1", "/orders/1", "/inventory/1"].iter().cycle() {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let answer = client.get(path);
            assert!(answer.status == 200 && answer.is_complete, "{answer:?}");
            assert!(answer.keeps_connection(), "{answer:?}");
            assert_eq!(answer.json()["id"], 1);
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wait_for_more(&self) {
        let enough = self.answers.load(Ordering::Relaxed) + 400;
        eventually("more answers", || self.answers.load(Ordering::Relaxed) >= enough);
    }
}

/// Lets the threads of a scope end also when the test fails.
struct StopOnDrop<'s>(&'s AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A gateway that a person starts again. Dropping it kills it.
struct Again(Child);

impl Again {
    fn start(config: &Path) -> Self {
        let mut command = portunus();
        command.args(["run", "-c"]).arg(config).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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

/// The program, as the testkit finds it: `PORTUNUS_BIN`, or what lies beside the tests.
fn portunus() -> Command {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        let mut places = test.ancestors().skip(2).map(|folder| folder.join("portunus"));
        places.find(|path| path.is_file()).expect("a program beside the tests")
    };
    let program = std::env::var_os("PORTUNUS_BIN").map_or_else(beside, PathBuf::from);
    let mut command = Command::new(program);
    // It would be taken for a key of the configuration.
    command.env_remove("PORTUNUS_BIN");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// All lines of standard output, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let reader = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    thread::spawn(move || reader.lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
    lines
}

fn send(signal: &str, id: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{signal} {id}")]).status();
    assert!(status.unwrap().success(), "no process {id}");
}

/// Whether a process runs: it is there, and more than a zombie that nobody waits for.
fn runs(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

const CLIENTS: usize = 4;
