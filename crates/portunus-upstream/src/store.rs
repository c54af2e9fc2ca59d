//! Where the state of endpoints lives: by upstream, address and name, across reloads and changes of the set.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
#[expect(clippy::disallowed_types, reason = "only control locks it: when endpoints change")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use portunus_balance::{Address, EndpointState, OutlierPlan};
use portunus_base::UpstreamId;
use portunus_resilience::{Breaker, Gradient, Queue};

use crate::{StickyKey, UpstreamPlan};

/// State of upstreams and endpoints, and ids of upstreams, stable for the life of the process.
#[derive(Debug, Default)]
pub struct StateStore {
    /// Where the key is kept; without one, nothing is.
    folder: Option<PathBuf>,
    sticky_key: OnceLock<KeptKey>,
    #[expect(clippy::disallowed_types, reason = "only control locks it: when endpoints change")]
    inner: Mutex<Inner>,
}

/// The key of clients that stay, and why it will not outlive the process, if it will not.
type KeptKey = (StickyKey, Option<String>);

/// What an upstream is going through as a whole. It survives reloads.
#[derive(Debug, Default)]
pub struct UpstreamState {
    /// Whether it gets requests, where its plan has a rule for that.
    pub breaker: Breaker,
    /// How many requests it takes at once, where its plan has a rule for that.
    pub gradient: Gradient,
    /// Requests that wait for room at its endpoints; all in one line.
    pub queue: Arc<Queue>,
    /// The limits of now, whatever plan a request began with.
    pub limits: LimitsNow,
    /// The rules of now that eject endpoints, whatever plan a request began with.
    pub(crate) outlier: ArcSwapOption<OutlierPlan>,
}

/// What one endpoint gets at once; as the newest plan says, so that who waits since before a reload is let in by it.
#[derive(Debug)]
pub struct LimitsNow(AtomicU64);

impl Default for LimitsNow {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl LimitsNow {
    pub(crate) fn set(&self, plan: &UpstreamPlan) {
        let [requests, connections] =
            [plan.requests_max, plan.connections_max].map(|max| u64::from(max.unwrap_or(u32::MAX)));
        self.0.store(requests << 32 | connections, Relaxed);
    }

    /// The most requests in flight, over all workers.
    #[must_use]
    pub fn requests_max(&self) -> u32 {
        (self.0.load(Relaxed) >> 32) as u32
    }

    /// The most connections, over all workers.
    #[must_use]
    pub fn connections_max(&self) -> u32 {
        self.0.load(Relaxed) as u32
    }
}

#[derive(Debug, Default)]
struct Inner {
    upstreams: HashMap<String, UpstreamId>,
    upstream_states: HashMap<UpstreamId, Weak<UpstreamState>>,
    states: HashMap<(UpstreamId, Address, String), Weak<EndpointState>>,
    /// Ids that no upstream has any more.
    free_ids: Vec<UpstreamId>,
    keys: u32,
    free_keys: Vec<u32>,
    /// The count of states at which unused ones are looked for: rarely enough to cost nothing for each.
    sweep_at: usize,
}

impl StateStore {
    /// A store that keeps in this folder what must outlive the process.
    #[must_use]
    pub fn keeping_in(folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..Self::default() }
    }

    /// The key of clients that stay at their endpoint, for upstreams that have none of their own; and why the next
    /// process will have another one, where that is so.
    pub fn sticky_key(&self) -> (StickyKey, Option<&str>) {
        let kept = |folder: &PathBuf| match StickyKey::kept_in(folder) {
            Ok(key) => (key, None),
            Err(error) => (StickyKey::random(), Some(format!("{}: {error}", folder.display()))),
        };
        let make = || self.folder.as_ref().map_or_else(|| (StickyKey::random(), None), kept);
        let (key, problem) = self.sticky_key.get_or_init(make);
        (key.clone(), problem.as_deref())
    }

    /// The id of the upstream of that name; the same for as long as there is one.
    pub fn upstream(&self, name: &str) -> UpstreamId {
        self.with(|inner| {
            if let Some(id) = inner.upstreams.get(name) {
                return *id;
            }
            let next = UpstreamId((inner.upstreams.len() + inner.free_ids.len()) as u32);
            let id = inner.free_ids.pop().unwrap_or(next);
            inner.upstreams.insert(name.to_owned(), id);
            id
        })
    }

    /// Forgets the names of upstreams that nobody uses any more, so that their ids are used again. An id is used from
    /// when its state is asked for: this is not to be called between that and [`StateStore::upstream`].
    pub fn forget_unused_upstreams(&self) {
        self.with(Inner::forget_unused_upstreams);
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

    /// The state of an endpoint: the one that is in use, or a new one. Two names of one address are two endpoints.
    pub fn endpoint(
        &self,
        upstream: UpstreamId,
        address: &Address,
        name: &str,
    ) -> Arc<EndpointState> {
        self.with(|inner| {
            if inner.states.len() >= inner.sweep_at {
                inner.forget_unused();
            }
            let place = (upstream, address.clone(), name.to_owned());
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

    fn forget_unused_upstreams(&mut self) {
        self.forget_unused();
        let states = self.states.keys().map(|(id, ..)| *id);
        let used: HashSet<UpstreamId> =
            states.chain(self.upstream_states.keys().copied()).collect();
        let free_ids = &mut self.free_ids;
        self.upstreams.retain(|_, id| {
            let is_used = used.contains(id);
            if !is_used {
                free_ids.push(*id);
            }
            is_used
        });
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
