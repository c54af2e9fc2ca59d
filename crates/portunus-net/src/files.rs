//! File descriptors that are kept free, so that one use cannot take those of another.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// Who is to leave file descriptors to others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FilesKept {
    /// New clients: requests under way need connections to upstreams.
    FromClients,
    /// Connections to upstreams: health checks, files, and whoever asks how the process is need some too.
    FromUpstreams,
}

impl FilesKept {
    /// Whether a file descriptor is one of those that are kept. The system gives out the lowest free number, so the number of
    /// the newest one tells how many are left.
    #[must_use]
    pub fn holds(self, newest: BorrowedFd<'_>) -> bool {
        let max = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let kept = match self {
            Self::FromClients => (max / 8).min(64),
            Self::FromUpstreams => (max / 32).min(16),
        };
        let number = u64::try_from(newest.as_raw_fd()).unwrap_or(0);
        number + 1 > max.saturating_sub(kept)
    }

    /// Whether the next file descriptor would be one of those that are kept, or there is none at all.
    #[must_use]
    pub fn holds_next(self) -> bool {
        eventfd(0, EventfdFlags::CLOEXEC).map_or(true, |next| self.holds(next.as_fd()))
    }
}

/// Whether the process, or the whole system, lacks file descriptors or memory: nothing is wrong with the peer.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

#[cfg(test)]
mod tests;
