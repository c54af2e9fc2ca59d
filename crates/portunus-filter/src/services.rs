//! What filters share with each other and with control, for the life of the process.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
#[expect(clippy::disallowed_types, reason = "taken when filters are built: never by a worker")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use portunus_fetch::Fetcher;
use portunus_identity::Directory;
use portunus_spec::Secret;
use portunus_telemetry::Registry;

/// What filters share with each other and with control, for the life of the process.
#[derive(Debug)]
pub struct Services {
    /// The consumers in force. A filter reads those of [`crate::FilterCx`]; this is for control.
    pub directory: Arc<Directory>,
    /// Requests of our own, off the data path.
    pub fetcher: Fetcher,
    /// All metrics.
    pub metrics: Arc<Registry>,
    states: States,
}

impl Services {
    /// Services without any state.
    #[must_use]
    pub fn new(metrics: Arc<Registry>, fetcher: Fetcher) -> Self {
        Self { directory: Arc::default(), fetcher, metrics, states: States::default() }
    }

    /// The state of that type and key: the one that somebody still holds, else one that `make` gives.
    pub fn state<T: Any + Send + Sync>(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        self.states.of(key, make)
    }
}

/// States by type and key, as long as somebody holds them.
#[derive(Default)]
struct States {
    #[expect(clippy::disallowed_types, reason = "taken when filters are built: never by a worker")]
    known: Mutex<Known>,
}

/// What was made, for whoever asks for it next.
type Known = HashMap<(TypeId, Box<str>), Weak<State>>;

/// A state of any type.
type State = dyn Any + Send + Sync;

impl States {
    fn of<T: Any + Send + Sync>(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, state| state.strong_count() > 0);
        let place = (TypeId::of::<T>(), Box::from(key));
        let found = known.get(&place).and_then(Weak::upgrade);
        if let Some(state) = found.and_then(|state| state.downcast().ok()) {
            return state;
        }
        let state = Arc::new(make());
        let shared: Arc<State> = Arc::<T>::clone(&state);
        known.insert(place, Arc::downgrade(&shared));
        state
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}

/// Work that a filter wants done while it is in force, off the data path: fetching keys, clearing tables.
pub trait Background: Send + Sync {
    /// The work. It does not end by itself, and is dropped when no filter in force wants it any more. Runs on a tokio
    /// runtime that is no worker's.
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The stores that several nodes share, as the configuration names them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stores {
    /// Redis or Valkey.
    pub redis: Option<Arc<RedisPlan>>,
}

/// How Redis is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedisPlan {
    /// `redis://`, `rediss://` or `redis+unix://`, perhaps with user and password.
    pub url: Secret,
    /// The authorities that its certificate must come from, in PEM; those of the system without it.
    pub ca_pem: Option<Box<str>>,
    /// Bound on one answer.
    pub timeout: Duration,
}

#[cfg(test)]
mod tests;
