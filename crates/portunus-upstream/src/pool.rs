//! Unused connections to endpoints, kept by one worker.

use std::cell::RefCell;
use std::time::Duration;

use portunus_base::Mono;

use crate::ClientConn;

/// The unused connections of a worker, by endpoint.
#[derive(Debug, Default)]
pub struct Pools {
    idle: RefCell<Vec<Vec<ClientConn>>>,
}

impl Pools {
    /// The connection used last to the endpoint of that key, unless it went stale meanwhile.
    #[must_use]
    pub fn take(&self, key: u32) -> Option<ClientConn> {
        let mut idle = self.idle.borrow_mut();
        let pool = idle.get_mut(key as usize)?;
        loop {
            let conn = pool.pop()?;
            if !conn.is_stale() {
                return Some(conn);
            }
        }
    }

    /// Keeps a connection for the next request; no more than `max` to one endpoint.
    pub fn give(&self, conn: ClientConn, max: usize) {
        let mut idle = self.idle.borrow_mut();
        let index = conn.key() as usize;
        if idle.len() <= index {
            idle.resize_with(index + 1, Vec::new);
        }
        if let Some(pool) = idle.get_mut(index).filter(|pool| pool.len() < max) {
            pool.push(conn);
        }
    }

    /// Closes connections that were unused for too long, went stale, or belong to an endpoint that is gone.
    /// Called about once a second.
    pub fn sweep(&self, now: Mono) {
        for pool in &mut *self.idle.borrow_mut() {
            pool.retain(|conn| conn.keep_until > now && !conn.is_orphan() && !conn.is_stale());
        }
    }

    /// Closes all unused connections.
    pub fn close(&self) {
        self.idle.borrow_mut().clear();
    }

    /// How many unused connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.idle.borrow().iter().map(Vec::len).sum()
    }

    /// True without unused connections.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// When an unused connection is closed.
pub(crate) fn keep_until(now: Mono, idle_timeout: Duration) -> Mono {
    now.after(idle_timeout)
}
