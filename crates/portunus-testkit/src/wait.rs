//! Waiting with a deadline.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Asks again and again until the condition holds; fails the test with `what` after [`DEADLINE`].
///
/// For what cannot be waited on: counters of the program, files that it writes.
#[track_caller]
pub fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_within(DEADLINE, what, holds);
}

/// The same, for what takes other programs their time.
#[track_caller]
pub fn eventually_within(deadline: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !holds() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// A value that threads change and a test waits on.
#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Waits until `find` finds something; `None` after [`DEADLINE`].
    pub(crate) fn wait_for<R>(&self, mut find: impl FnMut(&T) -> Option<R>) -> Option<R> {
        let mut found = None;
        let value = self.lock();
        let wait = self.changed.wait_timeout_while(value, DEADLINE, |value| {
            found = find(value);
            found.is_none()
        });
        drop(wait);
        found
    }

    /// A thread that failed its test while it held the lock leaves the value as it is.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PAUSE: Duration = Duration::from_millis(5);
