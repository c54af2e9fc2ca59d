//! Two edges with one address, as `packaging/keepalived` has it: each in a network of its own, the clients in a third.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use portunus_testkit::{Program, Signal, eventually, eventually_within};

/// Set in the process that has a network of its own.
const INSIDE: &str = "AVAILABILITY_INSIDE";
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/keepalived");
const VIRTUAL: &str = "10.99.0.100:80";

#[test]
fn the_address_follows_the_edge_that_is_ready() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    if let Some(why) = absent() {
        println!("skipped: {why}");
        return;
    }
    // This test once more, as root of a network and of mounts of its own, which end with it.
    let mut test = Command::new("unshare");
    test.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !is_root() {
        test.args(["--user", "--map-root-user"]);
    }
    test.arg(env::current_exe().unwrap()).args(["--exact", "--nocapture"]);
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let output = test.arg(name).env(INSIDE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}\n{errors}");
}

fn inside() {
    run("mount -t tmpfs tmpfs /run");
    run("ip link set lo up");
    run("ip link add lan type bridge");
    run("ip address add 10.99.0.1/24 dev lan");
    run("ip link set lan up");
    let mut one = Edge::start("one", 1, 150);
    let two = Edge::start("two", 2, 100);
    wait_for("one");

    // It is killed: the other one has the address, and keeps it when the first is back.
    one.kill();
    wait_for("two");
    one.run();
    eventually("the first edge serves again", || ask("10.99.0.11:80").as_deref() == Some("one"));
    assert_eq!(ask(VIRTUAL).as_deref(), Some("two"));

    // Its address is given away before it stops: nobody notices.
    one.wait_until_it_may();
    two.set_away(true);
    let lost = wait_for("one");
    assert!(lost <= 1, "{lost} requests were lost");
    assert_eq!(ask("10.99.0.12:80").as_deref(), Some("two"));
    two.set_away(false);

    // It drains with a request that goes on: the address is away before the process is.
    two.wait_until_it_may();
    let slow = std::thread::spawn(|| ask_for("10.99.0.11:80", "/slow"));
    one.wait_for_slow();
    one.drain();
    wait_for("two");
    assert!(!slow.is_finished());
    assert_eq!(slow.join().unwrap().as_deref(), Some("slow"));
}

/// A machine: its network, Portunus, and keepalived.
struct Edge {
    name: &'static str,
    program: Option<Program>,
    keepalived: Child,
}

impl Edge {
    fn start(name: &'static str, number: u8, priority: u8) -> Self {
        run(&format!("ip netns add {name}"));
        run(&format!("ip link add to-{name} type veth peer name eth0 netns {name}"));
        run(&format!("ip link set to-{name} master lan up"));
        for command in [
            "ip link set lo up".to_owned(),
            format!("ip address add 10.99.0.1{number}/24 dev eth0"),
            "ip link set eth0 up".to_owned(),
        ] {
            run(&format!("ip netns exec {name} {command}"));
        }
        let keepalived = keepalived(name, priority);
        let mut edge = Self { name, program: None, keepalived };
        edge.run();
        edge
    }

    /// Starts Portunus here.
    fn run(&mut self) {
        let config = format!(
            "listeners: {{web: \":80\"}}\nadmin: 127.0.0.1:8170\nhosts:\n  \"*\":\n    routes:\n      \
             /: {{respond: {}}}\n      \
             /slow: {{use: [{{fault: {{delay: 12s}}}}], respond: slow}}\n",
            self.name
        );
        let setup = Program::config(&config).launched_by(&format!("ip netns exec {}", self.name));
        self.program = Some(setup.start());
    }

    fn kill(&mut self) {
        self.program = None;
    }

    fn drain(&self) {
        self.program.iter().for_each(|program| program.signal(Signal::TERM));
    }

    /// Asks keepalived to give the address away, or to take it again, as somebody does before work on the machine.
    fn set_away(&self, away: bool) {
        let file = format!("/run/{}/away", self.name);
        if away { fs::write(file, "").unwrap() } else { fs::remove_file(file).unwrap() }
    }

    /// Waits until its check has passed often enough.
    fn wait_until_it_may(&self) {
        let log = format!("/run/{}/state", self.name);
        eventually("the edge may have the address", || {
            fs::read_to_string(&log).unwrap_or_default().trim() == "BACKUP"
        });
    }

    /// Waits until it has a request under way.
    fn wait_for_slow(&self) {
        let status =
            format!("ip netns exec {} curl -s http://127.0.0.1:8170/api/status", self.name);
        eventually("the slow request is under way", || run(&status).contains("\"in_flight\":1"));
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.keepalived.kill();
        let _ = self.keepalived.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(format!("/run/{}/log", self.name));
            println!("keepalived of {}:\n{}", self.name, log.unwrap_or_default());
        }
    }
}

/// keepalived as it is shipped, for this network.
fn keepalived(name: &str, priority: u8) -> Child {
    let folder = format!("/run/{name}");
    fs::create_dir(&folder).unwrap();
    let check = fs::read_to_string(format!("{SHIPPED}/check-portunus")).unwrap();
    let check = replaced(&check, "/run/portunus-away", &format!("{folder}/away"));
    let script = format!("{folder}/check-portunus");
    fs::write(&script, check).unwrap();
    run(&format!("chmod 755 {script}"));
    let state = format!("{folder}/note-state");
    fs::write(&state, format!("#!/bin/sh\necho \"$3\" > {folder}/state\n")).unwrap();
    run(&format!("chmod 755 {state}"));
    let config = fs::read_to_string(format!("{SHIPPED}/keepalived.conf")).unwrap();
    let config = replaced(&config, "/etc/keepalived/check-portunus", &script);
    let config = replaced(&config, "192.0.2.10/24", "10.99.0.100/24");
    let config = replaced(&config, "priority 150", &format!("priority {priority}"));
    let config =
        replaced(&config, "    nopreempt\n", &format!("    nopreempt\n    notify {state} root\n"));
    fs::write(format!("{folder}/keepalived.conf"), config).unwrap();
    let log = fs::File::create(format!("{folder}/log")).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", name, "keepalived", "--dont-fork", "--log-console", "--vrrp"]);
    command.args(["--use-file", &format!("{folder}/keepalived.conf")]);
    command.args(["--pid", &format!("{folder}/pid"), "--vrrp_pid", &format!("{folder}/vrrp.pid")]);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

/// What is shipped says this, and the test something else.
#[track_caller]
fn replaced(text: &str, shipped: &str, here: &str) -> String {
    assert!(text.contains(shipped), "{shipped} is not in {text}");
    text.replace(shipped, here)
}

/// Asks through the virtual address until this edge answers; gives how many requests had no answer.
#[track_caller]
fn wait_for(edge: &str) -> usize {
    let mut lost = 0;
    // On a machine that is busy with other tests a check may be missed, and the address moves once more.
    let deadline = Duration::from_secs(30);
    eventually_within(deadline, &format!("the edge {edge} has the address"), || {
        let answer = ask(VIRTUAL);
        lost += usize::from(answer.is_none());
        answer.as_deref() == Some(edge)
    });
    lost
}

fn ask(address: &str) -> Option<String> {
    ask_for(address, "/")
}

/// The body of an answer over a connection of its own; `None` when there is none in time.
fn ask_for(address: &str, path: &str) -> Option<String> {
    let address: SocketAddr = address.parse().ok()?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(8)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// Runs a command to its good end, and gives what it writes.
#[track_caller]
fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is not there.
fn absent() -> Option<String> {
    let has = |program: &str| {
        let folders = env::var_os("PATH").unwrap_or_default();
        let places = env::split_paths(&folders).chain([Path::new("/usr/sbin").to_owned()]);
        places.map(|folder| folder.join(program)).any(|path| path.is_file())
    };
    for program in ["ip", "unshare", "curl", "keepalived"] {
        if !has(program) {
            return Some(format!("there is no {program} here"));
        }
    }
    let mut probe = Command::new("unshare");
    probe.args(["--net", "--mount", "--pid", "--fork"]);
    if !is_root() {
        probe.args(["--user", "--map-root-user"]);
    }
    let may = probe.args(["ip", "link", "add", "probe", "type", "bridge"]).status();
    (!may.is_ok_and(|status| status.success()))
        .then(|| "networks of one's own cannot be made here".to_owned())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}
