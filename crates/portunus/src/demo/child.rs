//! Processes of this program that end when their parent does, however that ends.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use portunus_config::Env;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::server::{Stop, stopped};

/// A command of this program in a process of its own. Dropping it kills the process.
///
/// It has its own process group: Ctrl-C reaches only us, and we stop the processes in good order.
#[derive(Debug)]
pub(super) struct TiedChild {
    name: String,
    id: u32,
    process: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl TiedChild {
    /// Starts `portunus <arguments>` with these variables. Must be called on a thread that lives as long as this
    /// process: to the kernel, the parent of a process is a thread.
    pub(super) fn start(name: &str, arguments: &[OsString], env: &Env) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(&program);
        command.args(["demo", "tied", &std::process::id().to_string(), "--"]);
        command.args(arguments).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // The files of the demonstration are whole: nothing in them is overridden.
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| name.as_encoded_bytes().starts_with(b"PORTUNUS_")) {
            command.env_remove(name);
        }
        command.envs(env);
        let mut process =
            command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        let stderr = process.stderr.take().context("standard error is piped")?;
        let id = process.id().context("a new process has an id")?;
        let stderr = BufReader::new(stderr).lines();
        Ok(Self { name: name.to_owned(), id, process, stderr })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for a line that begins with `start`, and gives the rest of it. When the process ends
    /// before, the error has what it said.
    pub(super) async fn wait_for(&mut self, start: &str) -> anyhow::Result<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.stderr.next_line().await? {
            if let Some(rest) = line.strip_prefix(start) {
                return Ok(rest.to_owned());
            }
            lines.push(line);
        }
        bail!("{} did not start:\n{}", self.name, lines.join("\n"))
    }

    /// Passes on what the process says until it ends or must stop. `Some` when it ended by itself.
    pub(super) async fn run(mut self, stop: Stop) -> Option<ExitStatus> {
        tokio::select! {
            () = stopped(stop) => {
                self.stop().await;
                None
            }
            status = self.end() => status,
        }
    }

    async fn end(&mut self) -> Option<ExitStatus> {
        while let Ok(Some(line)) = self.stderr.next_line().await {
            eprintln!("{}: {line}", self.name);
        }
        self.process.wait().await.ok()
    }

    /// Asks the process to stop, and kills it when it does not.
    async fn stop(&mut self) {
        // It fails where the process has ended already.
        let _ = self.process.id().and_then(pid).map(terminate);
        if tokio::time::timeout(GRACE, self.end()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

/// Becomes `portunus <arguments>`, and ends when the process `parent` does.
///
/// The wish for a signal at the parent's end survives `exec`. A parent that ended before the wish
/// was made is noticed by its id.
pub(super) fn become_tied(parent: i32, arguments: &[OsString]) -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != Pid::from_raw(parent) {
        bail!("process {parent} has ended");
    }
    let error = std::process::Command::new(std::env::current_exe()?).args(arguments).exec();
    Err(error).context("the program cannot be started again")
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

fn terminate(id: Pid) -> rustix::io::Result<()> {
    rustix::process::kill_process(id, Signal::TERM)
}

/// How long a process may take to stop.
const GRACE: Duration = Duration::from_secs(10);
