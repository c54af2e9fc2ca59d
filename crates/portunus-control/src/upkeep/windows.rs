//! What the endpoints of an upstream did over the last while. Pure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portunus_balance::{Endpoint, EndpointState, Totals, Window};
use portunus_base::Mono;

/// The windows of the endpoints that are in, by the key of their state, which stays theirs as it is held here.
#[derive(Default)]
pub(super) struct Windows(HashMap<u32, Watched>);

struct Watched {
    state: Arc<EndpointState>,
    window: Window,
}

impl Windows {
    /// What each endpoint did within about the last `over`, or since it was ejected the last time.
    pub(super) fn look(
        &mut self,
        over: Duration,
        endpoints: &[Endpoint],
        now: Mono,
    ) -> Vec<Totals> {
        self.0.retain(|_, watched| {
            let is_it = |endpoint: &Endpoint| Arc::ptr_eq(&endpoint.state, &watched.state);
            endpoints.iter().any(is_it) && !watched.state.is_ejected(now)
        });
        endpoints.iter().map(|endpoint| self.look_at(&endpoint.state, over, now)).collect()
    }

    /// What an endpoint was ejected for must not eject it again when it is back.
    pub(super) fn forget(&mut self, endpoint: Option<&Endpoint>) {
        if let Some(endpoint) = endpoint {
            self.0.remove(&endpoint.state.key());
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn look_at(&mut self, state: &Arc<EndpointState>, over: Duration, now: Mono) -> Totals {
        if state.is_ejected(now) {
            return Totals::default();
        }
        let fresh = || Watched { state: Arc::clone(state), window: Window::default() };
        let watched = self.0.entry(state.key()).or_insert_with(fresh);
        watched.window.advance(state.totals(), over, now)
    }
}
