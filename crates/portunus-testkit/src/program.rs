//! The program, started with a configuration.

mod output;
mod setup;

use std::fmt::Display;
use std::path::PathBuf;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};

use crate::folder::Killed;
use crate::{Answer, Client, Folder, Metrics, eventually};
use output::Output;

pub use setup::Setup;

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Killed,
    successors: Successors,
    setup: Setup,
    stdout: Output,
    stderr: Output,
}

impl Program {
    /// Begins with a configuration; see [`Setup`] for what is filled in.
    #[must_use]
    pub fn config(text: &str) -> Setup {
        Setup::new(text)
    }

    /// Starts it with one route, from everywhere to this origin.
    #[must_use]
    #[track_caller]
    pub fn before(origin: &impl Display) -> Self {
        let config = "hosts: {\"*\": {routes: {/**: \"{origin}\"}}}";
        Self::config(config).fill("origin", origin).start()
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    fn start(setup: Setup) -> Self {
        let mut command = setup.command();
        command.arg("run").args(setup.arguments()).envs(setup.variables());
        let mut child = Killed(command.spawn().expect("the program starts"));
        let stdout = Output::collect(child.0.stdout.take());
        let stderr = Output::collect(child.0.stderr.take());
        let program = Self { child, successors: Successors::default(), setup, stdout, stderr };
        program.wait_for_stderr(|line| line == "portunus: ready");
        program
    }

    /// Where a listener accepts, as [`Client::connect`] takes it.
    #[must_use]
    #[track_caller]
    pub fn address(&self, listener: &str) -> String {
        let end = format!(" ({listener})");
        let found = self.stderr.lines().iter().rev().find_map(|line| {
            let address = line.strip_prefix("portunus: listening on ")?.strip_suffix(&end)?;
            Some(address.to_owned())
        });
        found.unwrap_or_else(|| panic!("no listener {listener}: {}", self.stderr()))
    }

    /// A connection to the listener `web`.
    #[must_use]
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(&self.address("web"))
    }

    /// Asks the listener `web` for a path, over a connection of its own.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.client().get(target)
    }

    /// Asks the admin listener for a path.
    #[track_caller]
    pub fn admin(&self, target: &str) -> Answer {
        self.admin_client().get(target)
    }

    /// A connection to the admin listener.
    #[must_use]
    #[track_caller]
    pub fn admin_client(&self) -> Client {
        // It answers to no name that a page on the Internet could have.
        Client::connect(&self.admin_address()).for_host("localhost")
    }

    /// Where the admin listener accepts.
    #[must_use]
    #[track_caller]
    pub fn admin_address(&self) -> String {
        let prefix = "portunus: admin on ";
        self.wait_for_stderr(|line| line.starts_with(prefix)).replace(prefix, "")
    }

    /// The metrics of this moment.
    #[must_use]
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let answer = self.admin("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Metrics::parse(answer.text())
    }

    /// The folder that it runs in.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        self.setup.folder()
    }

    /// The path of a file in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().path(name)
    }

    /// Its process id: that of the process that accepts.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.successors.0.last().copied().unwrap_or_else(|| self.child.0.id())
    }

    /// Has a new process take its place, and gives the id of that. The one before may still end what it has begun.
    #[track_caller]
    pub fn upgrade(&mut self) -> u32 {
        self.signal(Signal::USR2);
        self.succeeded()
    }

    /// Waits until a new process has taken over, and gives the id of that.
    #[track_caller]
    pub fn succeeded(&mut self) -> u32 {
        let successor = |line: &str| {
            let line = line.strip_prefix("portunus: process ")?;
            let id = line.split_once(" has taken over")?.0.parse().ok()?;
            (!self.successors.0.contains(&id)).then_some(id)
        };
        let line = self.wait_for_stderr(|line| successor(line).is_some());
        let id = successor(&line).expect("a line that was found");
        self.successors.0.push(id);
        id
    }

    /// Writes a new configuration, with the same places filled in, and nothing more.
    pub fn write_config(&self, text: &str) {
        self.setup.write_config(text);
    }

    /// Reloads with a new configuration, which must be accepted.
    #[track_caller]
    pub fn reload(&self, config: &str) {
        assert!(self.try_reload(config), "the reload was refused: {}", self.stderr());
    }

    /// Reloads with a new configuration. True when it was accepted.
    #[track_caller]
    pub fn try_reload(&self, config: &str) -> bool {
        let count = |result: &str| {
            self.metrics().sum("portunus_config_reloads_total", &[("result", result)])
        };
        let (success, failure) = (count("success"), count("failure"));
        self.write_config(config);
        self.signal(Signal::HUP);
        let mut is_accepted = false;
        eventually("the end of the reload", || {
            is_accepted = count("success") > success;
            is_accepted || count("failure") > failure
        });
        is_accepted
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process has an id"), signal).expect("it runs");
    }

    /// Lets it open files below the number `most` alone, from now on; without it, as many as it could before. What is
    /// open stays so.
    #[track_caller]
    pub fn limit_files(&self, most: Option<u64>) {
        let id = i32::try_from(self.child.0.id()).ok().and_then(Pid::from_raw);
        let maximum = getrlimit(Resource::Nofile).maximum;
        let bound = Rlimit { current: most.or(maximum), maximum };
        prlimit(id, Resource::Nofile, bound).expect("a bound may move below the hard one");
    }

    /// Stops it gracefully and fails the test unless it ends with 0.
    #[track_caller]
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait(), Some(0), "{}", self.stderr());
    }

    /// Kills it without a word (`kill -9`), and starts it again in the same folder.
    #[must_use]
    #[track_caller]
    pub fn kill_and_start(self) -> Self {
        let Self { child, successors, setup, .. } = self;
        drop((child, successors));
        Self::start(setup)
    }

    /// Stops it gracefully, and starts it again in the same folder.
    #[must_use]
    #[track_caller]
    pub fn stop_and_start(mut self) -> Self {
        self.signal(Signal::TERM);
        assert_eq!(self.wait(), Some(0), "{}", self.stderr());
        self.kill_and_start()
    }

    /// Waits for the end of the process that it was started as, and gives its exit code; `None` when a signal ended it.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("the end of the program", || {
            status = self.child.0.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lines().join("\n")
    }

    /// Waits for a line of standard error.
    #[track_caller]
    pub fn wait_for_stderr(&self, is_it: impl Fn(&str) -> bool) -> String {
        self.stderr.wait_for(is_it)
    }

    /// Waits for a line of standard output.
    #[track_caller]
    pub fn wait_for_stdout(&self, is_it: impl Fn(&str) -> bool) -> String {
        self.stdout.wait_for(is_it)
    }
}

/// The processes that took its place, one after the other. They are no children of the test.
#[derive(Debug, Default)]
struct Successors(Vec<u32>);

impl Drop for Successors {
    fn drop(&mut self) {
        for id in self.0.iter().filter_map(|id| i32::try_from(*id).ok().and_then(Pid::from_raw)) {
            // It fails where the process has ended already.
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
