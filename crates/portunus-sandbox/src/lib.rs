//! What a running process gives up, so that a mistake in it is worth less: its user, its capabilities, writing and
//! executing files, and system calls that a proxy never needs.
//!
//! All of it is for ever: nothing here can be taken back, and programs that are executed inherit it. It holds for the
//! calling thread and for those that it starts from then on, so it must come before there are others.

mod calls;
mod capabilities;
mod files;
mod loader;
mod user;

use std::path::PathBuf;

pub use calls::fingerprint as denied_calls;
pub use capabilities::CapabilityError;
pub use loader::loader_of;
pub use user::{Account, UserError};

/// What a process needs of the file system, beside reading.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Folders in which it makes, changes and removes files, and single files that it writes to. What is not there is
    /// passed over.
    pub written: Vec<PathBuf>,
    /// Programs that it executes, and folders of such.
    pub executed: Vec<PathBuf>,
    /// It speaks to sockets of others that have a name but no file.
    pub abstract_sockets: bool,
    /// What the process whose place this one takes had denied itself of system calls: see [`denied_calls`].
    pub before: Option<u64>,
}

/// What came of a sandbox.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sandbox {
    /// What is in force, in words.
    pub in_force: Vec<String>,
    /// What could not be put in force, and why.
    pub lacking: Vec<String>,
}

impl Sandbox {
    /// Gives up what is not needed, each part of it as far as this system can.
    #[must_use]
    pub fn enter(needs: &Needs) -> Self {
        let mut sandbox = Self::default();
        // First, as it takes a capability to give up capabilities; and the filter of system calls last, as it may refuse
        // what the others do.
        sandbox.note("capabilities", capabilities::drop_unneeded());
        sandbox.note("files", files::restrict(needs));
        sandbox.note("system calls", calls::deny(needs.before));
        sandbox
    }

    fn note(&mut self, what: &str, became: Result<String, String>) {
        match became {
            Ok(how) => self.in_force.push(format!("{what} ({how})")),
            Err(why) => self.lacking.push(format!("{what} ({why})")),
        }
    }
}

#[cfg(test)]
mod tests;
