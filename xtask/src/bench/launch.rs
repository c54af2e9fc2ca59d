//! Starting a program on a given core so that it ends with us, however we end.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::clock;

/// A running program with its descendants. Dropping it ends them all.
pub(crate) struct Guard(Child);

impl Guard {
    /// Starts the command as the leader of its own process group.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command.process_group(0).spawn();
        child.map(Self).with_context(|| format!("cannot start {:?}", command.get_program()))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether the program has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for the end of a program that ends by itself; gives what it wrote to a piped output.
    pub(crate) fn finish(mut self) -> Result<String> {
        let mut text = String::new();
        if let Some(mut output) = self.0.stdout.take() {
            output.read_to_string(&mut text)?;
        }
        let status = self.0.wait()?;
        ensure!(status.success(), "a load program failed: {status}\n{text}");
        Ok(text)
    }

    /// Sends the signal to the program and its descendants.
    pub(crate) fn signal_group(&self, signal: &str) {
        send(signal, &format!("-{}", self.pid()));
    }
}

/// Sends the signal to one process. That it may be gone already is no error.
pub(crate) fn signal(pid: u32, signal: &str) {
    send(signal, &pid.to_string());
}

fn send(signal: &str, to: &str) {
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -s {signal} -- {to}")])
        .stderr(Stdio::null())
        .status();
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        self.signal_group("TERM");
        for _ in 0..STOP_POLLS {
            if self.has_ended() {
                break;
            }
            clock::pause(STOP_POLL);
        }
        self.signal_group("KILL");
        let _ = self.0.wait();
    }
}

/// A command that runs on `cores` only, may open many files, and gets TERM when we die.
pub(crate) fn pinned(cores: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={0}:{0}", open_files_max()));
    command.args(["setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", cores]);
    command.arg(program).stdin(Stdio::null());
    command
}

/// How many files a child may open: our own hard limit, within reason.
fn open_files_max() -> usize {
    let limits = fs::read_to_string(Path::new("/proc/self/limits")).unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
    hard.unwrap_or(OPEN_FILES_WISH).min(OPEN_FILES_WISH)
}

const OPEN_FILES_WISH: usize = 20_000;
const STOP_POLLS: usize = 300;
const STOP_POLL: Duration = Duration::from_millis(10);
