//! Connections as the state of their endpoint counts them.

use std::sync::Arc;

use portunus_balance::EndpointState;
use portunus_resilience::Queue;

use crate::ANY_ENDPOINT;

/// A connection that is open, or about to be; counted in its endpoint's state for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted {
    state: Arc<EndpointState>,
    /// Those who may wait for its place.
    queue: Arc<Queue>,
}

impl Counted {
    pub(crate) fn new(state: &Arc<EndpointState>, queue: &Arc<Queue>) -> Self {
        state.connection_opened();
        Self { state: Arc::clone(state), queue: Arc::clone(queue) }
    }

    /// The key of its endpoint's pool.
    pub(crate) fn key(&self) -> u32 {
        self.state.key()
    }

    /// Open connections to its endpoint, over all workers, this one included.
    pub(crate) fn siblings(&self) -> u32 {
        self.state.connections()
    }

    /// True when no endpoint set holds its endpoint any more.
    pub(crate) fn is_orphan(&self) -> bool {
        // Each connection holds the state once; whatever else holds it is a set, or control.
        Arc::strong_count(&self.state) <= self.siblings() as usize
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.state.connection_closed();
        self.queue.call(ANY_ENDPOINT);
    }
}
