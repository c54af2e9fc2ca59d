//! A running process gives its place to a new one: an upgrade in which no connection is lost.
//!
//! Both talk over a pair of Unix sockets; the new process has its end as standard input. The old one sends the length
//! of the manifest (4 bytes, big-endian), the manifest (JSON), and its sockets in the manifest's order. Then lines:
//!
//! | from | line | what it means |
//! |---|---|---|
//! | new | `prepared` | its configuration is good; it has touched nothing |
//! | old | `take` | files that only one process can hold are free |
//! | new | `ready` | it accepts |
//! | new | `refused WHY` | in place of each of the others: it ends |
//!
//! Both may be of different versions: fields are only ever added to the manifest, each with a default.

mod give;
mod program;
mod take;

use std::path::PathBuf;

use portunus_base::Wall;
use portunus_tls::TicketSeeds;
use serde::{Deserialize, Serialize};

pub(crate) use self::give::{Gift, Handover, Step};
pub(crate) use self::program::Program;
pub(crate) use self::take::Takeover;

/// What the old process gives, beside the sockets themselves.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Manifest {
    #[serde(default)]
    sockets: Vec<SocketEntry>,
    #[serde(default)]
    tickets: Option<TicketEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confined: Option<ConfinedEntry>,
}

/// What is known of one socket.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct SocketEntry {
    /// The listener's name; `None` for the admin API.
    pub(crate) listener: Option<String>,
    /// The address as the configuration has it: its port may be 0.
    pub(crate) wanted: String,
    /// The file of the socket, if it is a Unix one, is Portunus's to remove.
    #[serde(default)]
    pub(crate) file: bool,
}

/// What the old process cannot do, and so the new one cannot either.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ConfinedEntry {
    /// Where files may be made; `None` where they may be anywhere.
    #[serde(default)]
    pub(crate) written: Option<Vec<PathBuf>>,
    /// Which list of system calls is denied, if one is.
    #[serde(default)]
    pub(crate) calls: Option<u64>,
}

/// Keys of session tickets. Secret: they go over a socket that only both processes have.
#[derive(Deserialize, Serialize)]
struct TicketEntry {
    bytes: Vec<u8>,
    made_us: u64,
}

impl From<TicketSeeds> for TicketEntry {
    fn from(seeds: TicketSeeds) -> Self {
        Self { bytes: seeds.bytes, made_us: seeds.made.0 }
    }
}

impl From<TicketEntry> for TicketSeeds {
    fn from(entry: TicketEntry) -> Self {
        Self { bytes: entry.bytes, made: Wall(entry.made_us) }
    }
}

impl std::fmt::Debug for TicketEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketEntry").finish_non_exhaustive()
    }
}

/// Tells a new process who gives it its place. Not one of the variables that configure Portunus.
const FROM: &str = "UPGRADE_FROM";
const PREPARED: &str = "prepared";
const TAKE: &str = "take";
const READY: &str = "ready";
const REFUSED: &str = "refused ";

#[cfg(test)]
mod tests;
