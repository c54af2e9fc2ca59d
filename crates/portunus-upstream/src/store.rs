//! Where the state of endpoints lives: by upstream and address, across reloads and changes of the set.

use std::collections::HashMap;
#[expect(clippy::disallowed_types, reason = "only control locks it: when endpoints change")]
use std::sync::Mutex;
use std::sync::{Arc, Weak};

use portunus_balance::{Address, EndpointState};
use portunus_base::UpstreamId;
use portunus_resilience::Breaker;

/// State of upstreams and endpoints, and ids of upstreams, stable for the life of the process.
#[derive(Debug, Default)]
pub struct StateStore {
    #[expect(clippy::disallowed_types, reason = "only control locks it: when endpoints change")]
    inner: Mutex<Inner>,
}

/// What an upstream is going through as a whole. It survives reloads.
#[derive(Debug, Default)]
pub struct UpstreamState {
    /// Whether it gets requests, where its plan has a rule for that.
    pub breaker: Breaker,
}

#[derive(Debug, Default)]
struct Inner {
    upstreams: HashMap<String, UpstreamId>,
    upstream_states: HashMap<UpstreamId, Weak<UpstreamState>>,
    states: HashMap<(UpstreamId, Address), Weak<EndpointState>>,
    keys: u32,
    free_keys: Vec<u32>,
    /// The count of states at which unused ones are looked for: rarely enough to cost nothing for each.
    sweep_at: usize,
}

impl StateStore {
    /// The id of the upstream of that name; the same for as long as the process runs.
    pub fn upstream(&self, name: &str) -> UpstreamId {
        self.with(|inner| {
            let next = UpstreamId(inner.upstreams.len() as u32);
            *inner.upstreams.entry(name.to_owned()).or_insert(next)
        })
    }

    /// The state of an upstream: the one that is in use, or a new one.
    pub fn upstream_state(&self, upstream: UpstreamId) -> Arc<UpstreamState> {
        self.with(|inner| {
            let known = inner.upstream_states.entry(upstream).or_default();
            known.upgrade().unwrap_or_else(|| {
                let state = Arc::default();
                *known = Arc::downgrade(&state);
                state
            })
        })
    }

    /// The state of an endpoint: the one that is in use, or a new one.
    pub fn endpoint(&self, upstream: UpstreamId, address: &Address) -> Arc<EndpointState> {
        self.with(|inner| {
            if inner.states.len() >= inner.sweep_at {
                inner.forget_unused();
            }
            let place = (upstream, address.clone());
            if let Some(state) = inner.states.get(&place).and_then(Weak::upgrade) {
                return state;
            }
            let key = inner.take_key();
            let state = Arc::new(EndpointState::new(key));
            inner.states.insert(place, Arc::downgrade(&state));
            state
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> R {
        // A panic of another control task leaves the table whole: each change is one insertion.
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut inner)
    }
}

impl Inner {
    /// Keys index the pools of workers, so those of endpoints that are gone are used again.
    fn forget_unused(&mut self) {
        self.states.retain(|_, state| state.strong_count() > 0);
        self.upstream_states.retain(|_, state| state.strong_count() > 0);
        let mut used: Vec<u32> =
            self.states.values().filter_map(|state| Some(state.upgrade()?.key())).collect();
        used.sort_unstable();
        self.free_keys = (0..self.keys).filter(|key| used.binary_search(key).is_err()).collect();
        self.sweep_at = (2 * self.states.len()).max(SWEEP_MIN);
    }

    fn take_key(&mut self) -> u32 {
        self.free_keys.pop().unwrap_or_else(|| {
            self.keys += 1;
            self.keys - 1
        })
    }
}

/// Below this many states nobody looks for unused ones.
const SWEEP_MIN: usize = 64;

#[cfg(test)]
mod tests;
