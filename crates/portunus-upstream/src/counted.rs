//! Connections as the state of their endpoint counts them.

use std::sync::Arc;

use portunus_balance::EndpointState;

/// A connection that is open, or about to be; counted in its endpoint's state for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted(Arc<EndpointState>);

impl Counted {
    pub(crate) fn new(state: &Arc<EndpointState>) -> Self {
        state.connection_opened();
        Self(Arc::clone(state))
    }

    /// The key of its endpoint's pool.
    pub(crate) fn key(&self) -> u32 {
        self.0.key()
    }

    /// Open connections to its endpoint, over all workers, this one included.
    pub(crate) fn siblings(&self) -> u32 {
        self.0.connections()
    }

    /// True when no endpoint set holds its endpoint any more.
    pub(crate) fn is_orphan(&self) -> bool {
        // Each connection holds the state once; whatever else holds it is a set, or control.
        Arc::strong_count(&self.0) <= self.siblings() as usize
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connection_closed();
    }
}
