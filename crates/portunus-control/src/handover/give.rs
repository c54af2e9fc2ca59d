//! The old process's part of a hand-over.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as Pair;
use std::process::{Child, Stdio};
use std::time::Duration;

use portunus_net::{PASSED_MAX, pass};
use portunus_tls::TicketSeeds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::{ConfinedEntry, FROM, Manifest, PREPARED, Program, READY, REFUSED, SocketEntry, TAKE};

/// What a process gives to the one that takes over.
#[derive(Debug, Default)]
pub(crate) struct Gift {
    /// The listening sockets, all of them: connections wait in each.
    pub(crate) sockets: Vec<(SocketEntry, OwnedFd)>,
    /// Keys of session tickets.
    pub(crate) tickets: Option<TicketSeeds>,
    /// What this process cannot do.
    pub(crate) confined: Option<ConfinedEntry>,
}

/// A new process on its way to readiness. Dropping this ends the process, unless it has taken over.
#[derive(Debug)]
pub(crate) struct Handover {
    /// `None` once the process is on its own.
    child: Option<Child>,
    id: u32,
    over: UnixStream,
    read: Vec<u8>,
    until: Instant,
}

/// How far the new process is.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// It would serve, and waits for the files that only one process can hold.
    Prepared,
    /// It accepts.
    Ready,
    /// It does not take over, and has ended: why.
    Failed(String),
}

impl Handover {
    /// Starts the program, and gives it everything.
    ///
    /// # Errors
    /// It cannot be started, or does not take what it is given: one line for people.
    pub(crate) async fn start(program: &Program, gift: Gift) -> Result<Self, String> {
        if std::process::id() == 1 {
            return Err(PROCESS_1.to_owned());
        }
        let fault =
            |error: io::Error| format!("cannot start {}: {error}", program.path().display());
        let (ours, theirs) = Pair::pair().map_err(fault)?;
        let child = spawn(program, theirs).map_err(fault)?;
        let (id, until) = (child.id(), Instant::now() + READY_MAX);
        let child = Some(child);
        ours.set_nonblocking(true).map_err(fault)?;
        let over = UnixStream::from_std(ours).map_err(fault)?;
        let mut handover = Self { child, id, over, read: Vec::new(), until };
        match timeout(GIVE_MAX, give(&mut handover.over, gift)).await {
            Ok(Ok(())) => Ok(handover),
            _ => Err(handover.end("it does not take what it is given")),
        }
    }

    /// The id of the new process.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Waits for the next step. Cancel-safe.
    pub(crate) async fn step(&mut self) -> Step {
        let line = match timeout_at(self.until, self.line()).await {
            Ok(Ok(line)) => line,
            Ok(Err(_)) => return Step::Failed(self.end("it ended before it was ready")),
            Err(_) => {
                let late = format!("it was not ready within {} s", READY_MAX.as_secs());
                return Step::Failed(self.end(&late));
            }
        };
        match line.as_str() {
            PREPARED => Step::Prepared,
            READY => Step::Ready,
            other => Step::Failed(match other.strip_prefix(REFUSED) {
                Some(why) => {
                    self.end("");
                    why.to_owned()
                }
                None => self.end("it speaks another language"),
            }),
        }
    }

    /// Tells it that the files are free.
    pub(crate) async fn give_way(&mut self) {
        // Where nobody listens, the next step says so.
        let _ = self.over.write_all(format!("{TAKE}\n").as_bytes()).await;
    }

    /// It is on its own from now on.
    pub(crate) fn release(mut self) {
        self.child = None;
    }

    /// The next line. Cancel-safe: what was read of it stays.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.read.len() > LINE_BYTES_MAX || self.over.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Ends the process, and says how it ended.
    fn end(&mut self, why: &str) -> String {
        let Some(mut child) = self.child.take() else { return why.to_owned() };
        // One that is ending already keeps the code that it ends with.
        let _ = child.kill();
        match child.wait().ok().and_then(|status| status.code()) {
            Some(code) => format!("{why} (exit code {code})"),
            None => why.to_owned(),
        }
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.end("");
    }
}

pub(super) async fn give(over: &mut UnixStream, gift: Gift) -> io::Result<()> {
    let Gift { sockets, tickets, confined } = gift;
    let (entries, files): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
    let manifest = Manifest { sockets: entries, tickets: tickets.map(Into::into), confined };
    let manifest = serde_json::to_vec(&manifest)?;
    let length = u32::try_from(manifest.len()).map_err(io::Error::other)?;
    over.write_all(&length.to_be_bytes()).await?;
    over.write_all(&manifest).await?;
    let files: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    for some in files.chunks(PASSED_MAX) {
        over.async_io(Interest::WRITABLE, || pass(&*over, some)).await?;
    }
    Ok(())
}

fn spawn(program: &Program, over: Pair) -> io::Result<Child> {
    let mut command = program.command();
    command.stdin(Stdio::from(OwnedFd::from(over))).env(FROM, std::process::id().to_string());
    for name in NOT_FOR_IT {
        command.env_remove(name);
    }
    command.spawn()
}

/// What a service manager has said to this process alone.
const NOT_FOR_IT: [&str; 4] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];
const PROCESS_1: &str = "this is process 1, and its container ends with it; start a new container";
/// How long the new process may take until it accepts.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long it may take to receive what it is given.
const GIVE_MAX: Duration = Duration::from_secs(10);
const LINE_BYTES_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests;
