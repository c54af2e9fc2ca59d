//! The new process's part of a hand-over. All of it comes before there is anything else to do: it may block.

use std::fmt::Display;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use portunus_config::Env;
use portunus_net::receive;

use super::{ConfinedEntry, FROM, Manifest, PREPARED, READY, REFUSED, TAKE};
use crate::inherited::Inherited;

/// The place of another process, on its way to this one.
#[derive(Debug)]
pub(crate) struct Takeover {
    pub(super) over: UnixStream,
    /// What the other process cannot do, once it has told it.
    pub(crate) confined: Option<ConfinedEntry>,
}

impl Takeover {
    /// The one that this process was started for, if it was.
    pub(crate) fn find(env: &Env) -> Option<Self> {
        let from = env.get(FROM)?;
        // Programs that this one's parent has started for something else inherit the variable too.
        if *from != std::os::unix::process::parent_id().to_string() {
            return None;
        }
        let over = io::stdin().as_fd().try_clone_to_owned().ok()?;
        Some(Self { over: over.into(), confined: None })
    }

    /// Receives what the old process gives.
    pub(crate) fn receive(&mut self) -> io::Result<Inherited> {
        self.over.set_read_timeout(Some(RECEIVE_MAX))?;
        let mut length = [0; 4];
        self.over.read_exact(&mut length)?;
        let mut manifest = Vec::new();
        let length = u64::from(u32::from_be_bytes(length)).min(MANIFEST_BYTES_MAX);
        (&self.over).take(length).read_to_end(&mut manifest)?;
        let Manifest { sockets, tickets, confined } = serde_json::from_slice(&manifest)?;
        self.confined = confined;
        let mut files: Vec<OwnedFd> = Vec::new();
        while files.len() < sockets.len() {
            files.extend(receive(&self.over)?);
        }
        let all = sockets.into_iter().zip(files).collect();
        Ok(Inherited::handed_over(all, tickets.map(Into::into)))
    }

    /// Says that the configuration is good, and waits until files that only one process can hold are free. When the old
    /// process is gone, they are.
    pub(crate) fn prepared(&mut self) -> io::Result<()> {
        self.over.set_read_timeout(Some(GIVE_WAY_MAX))?;
        self.say(PREPARED);
        let mut line = String::new();
        BufReader::new(&self.over).read_line(&mut line)?;
        match line.trim_end() {
            TAKE | "" => Ok(()),
            other => Err(io::Error::other(format!("the process before says `{other}`"))),
        }
    }

    /// Says that this process accepts.
    pub(crate) fn ready(mut self) {
        self.say(READY);
    }

    /// Says why this process ends.
    pub(crate) fn refuse(mut self, why: impl Display) {
        let why = why.to_string().replace('\n', "; ");
        self.say(&format!("{REFUSED}{why}"));
    }

    fn say(&mut self, line: &str) {
        // When the old process is gone, there is nobody to tell.
        let _ = self.over.write_all(format!("{line}\n").as_bytes());
    }
}

/// The old process has everything at hand.
const RECEIVE_MAX: Duration = Duration::from_secs(10);
/// Saving what was used of quotas may take as long as the disk does.
const GIVE_WAY_MAX: Duration = Duration::from_secs(30);
const MANIFEST_BYTES_MAX: u64 = 64 << 20;
