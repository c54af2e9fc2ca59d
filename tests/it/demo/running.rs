//! A demonstration that runs: what it printed, and what can be done to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use portunus_testkit::{Client, DEADLINE, H2Client, TlsClient, eventually};

/// A running demonstration. Dropping it kills it, and with it all that it started.
pub(super) struct Demo {
    pub(super) child: Child,
    lines: Receiver<String>,
    /// Addresses by name: `shop`, `edge`, `secure`, `users-1`.
    addresses: BTreeMap<String, String>,
    /// Process ids by name.
    pub(super) processes: BTreeMap<String, String>,
    pub(super) folder: PathBuf,
    /// The certificate of its authority.
    pub(super) authority: PathBuf,
}

impl Demo {
    /// Starts one on free ports, and waits until it is ready.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let mut command = portunus();
        command.args(["demo", "--port", "0", "--tls-port", "0", "--admin-port", "0"]);
        command.args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines(&mut child);
        let (addresses, processes, folder, authority) = Default::default();
        let mut demo = Self { child, lines, addresses, processes, folder, authority };
        while let Some(line) = demo.next_line().filter(|line| line != "ready") {
            demo.note(&line);
        }
        demo
    }

    /// The commands that it proposes to paste.
    pub(super) fn commands(&self) -> Vec<String> {
        let more = std::iter::from_fn(|| Some(self.line()));
        let shown = more.take_while(|line| !line.starts_with("Ctrl-C"));
        shown.filter_map(|line| Some(line.strip_prefix("  ")?.to_owned())).collect()
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("the demo says more")
    }

    /// The next line after `demo: `.
    fn next_line(&self) -> Option<String> {
        loop {
            if let Some(line) = self.line().strip_prefix("demo: ") {
                return Some(line.to_owned());
            }
        }
    }

    /// Takes in `NAME on http://ADDRESS (pid ID)`, and the like.
    fn note(&mut self, line: &str) {
        if let Some((what, place)) = line.split_once(" in ") {
            match what {
                "files" => self.folder = place.into(),
                "authority" => self.authority = place.into(),
                other => panic!("nobody knows {other}"),
            }
            return;
        }
        let http = if line.starts_with("secure ") { " on https://" } else { " on http://" };
        let (name, place) = line.split_once(http).unwrap();
        let (address, id) = place.split_once(" (pid ").unwrap_or((place, ""));
        self.addresses.insert(name.to_owned(), address.to_owned());
        if let Some(id) = id.strip_suffix(')') {
            self.processes.insert(name.to_owned(), id.to_owned());
        }
    }

    pub(super) fn client(&self, name: &str) -> Client {
        Client::connect(&self.addresses[name])
    }

    /// A client of the shop with TLS and HTTP/1, which believes the authority alone.
    pub(super) fn h1(&self) -> Client {
        self.tls().alpn(&["http/1.1"]).h1(&self.addresses["secure"], SHOP)
    }

    /// The same with HTTP/2.
    pub(super) fn h2(&self) -> H2Client {
        self.tls().h2(&self.addresses["secure"], SHOP)
    }

    fn tls(&self) -> TlsClient {
        TlsClient::trusting_pem(&std::fs::read_to_string(&self.authority).unwrap())
    }

    /// Where the shop is with TLS, without a path.
    pub(super) fn url(&self) -> String {
        let (_, port) = self.addresses["secure"].rsplit_once(':').unwrap();
        format!("https://{SHOP}:{port}")
    }

    /// Sends a signal to one of its processes and waits until the demo has noticed its end.
    pub(super) fn end(&self, name: &str, signal: &str) {
        let id = &self.processes[name];
        send(signal, id);
        let start = format!("{name} (pid {id}) ended");
        while !self.next_line().is_some_and(|line| line.starts_with(&start)) {}
    }

    /// Stops it as Ctrl-C does; it must end well.
    pub(super) fn stop(mut self) {
        send("INT", &self.child.id().to_string());
        let mut status = None;
        eventually("the end of the demo", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0));
        self.assert_nothing_runs();
        assert!(!self.folder.join("edge.yaml").exists());
        assert!(!self.authority.exists());
    }

    pub(super) fn assert_nothing_runs(&self) {
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

/// A gateway that a person starts again. Dropping it kills it.
pub(super) struct Again(Child);

impl Again {
    pub(super) fn start(config: &Path) -> Self {
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

/// The program, as the testkit finds it: `PORTUNUS_BIN`, or what lies beside the tests.
pub(super) fn portunus() -> Command {
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
pub(super) fn runs(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

const SHOP: &str = "shop.localhost";
