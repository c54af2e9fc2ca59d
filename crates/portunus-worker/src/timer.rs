//! Coarse timers: one entry per connection instead of one runtime timer per wait.
//!
//! A [`Timer`] has one deadline that moves all the time. Moving it later is a store: the entry is looked at when its
//! old time comes, and filed again. Only moving it before the time under which it is filed costs an insertion, so a
//! busy keep-alive connection files its entry about once per shortest timeout, not once per request.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use portunus_base::Mono;
use tokio::sync::Notify;

use crate::Worker;

/// The deadline has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Elapsed;

/// The timers of a worker, filed by tick.
#[derive(Default)]
pub struct Timers {
    filed: RefCell<BTreeMap<u64, Vec<Rc<Entry>>>>,
    spare: RefCell<Vec<Vec<Rc<Entry>>>>,
    earlier: Notify,
}

/// A movable deadline of one connection.
pub struct Timer {
    worker: Worker,
    entry: Rc<Entry>,
}

struct Entry {
    deadline: Cell<Mono>,
    /// The earliest tick under which the entry is filed; `u64::MAX` when it is not. No later than the deadline's.
    filed: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Timer {
    /// A timer without a deadline.
    #[must_use]
    pub fn new(worker: &Worker) -> Self {
        let entry = Entry {
            deadline: Cell::new(Mono::NEVER),
            filed: Cell::new(u64::MAX),
            waker: RefCell::new(None),
        };
        Self { worker: worker.clone(), entry: Rc::new(entry) }
    }

    /// Sets the deadline to `after` from the worker's cached now.
    pub fn set_after(&self, after: Duration) {
        self.set(self.worker.now().after(after));
    }

    /// Sets the deadline.
    pub fn set(&self, deadline: Mono) {
        self.entry.deadline.set(deadline);
        if deadline != Mono::NEVER && tick_of(deadline) < self.entry.filed.get() {
            self.worker.timers().file(&self.entry);
        }
    }

    /// No deadline.
    pub fn clear(&self) {
        self.entry.deadline.set(Mono::NEVER);
    }

    /// The deadline.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        self.entry.deadline.get()
    }

    /// Waits for `future`, but no longer than to the deadline, which may move meanwhile.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first; `future` is dropped then.
    pub async fn race<F: Future>(&self, future: F) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            if self.worker.now() >= self.entry.deadline.get() {
                return Poll::Ready(Err(Elapsed));
            }
            let mut waker = self.entry.waker.borrow_mut();
            if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // The entry may stay filed until its tick; it holds no task alive.
        self.clear();
        self.entry.waker.take();
    }
}

impl Timers {
    /// Wakes everyone who waits with a deadline, so that each can look whether it is still wanted.
    pub fn wake_all(&self) {
        for entry in self.filed.borrow().values().flatten() {
            if let Some(waker) = entry.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    fn file(&self, entry: &Rc<Entry>) {
        let tick = tick_of(entry.deadline.get());
        entry.filed.set(tick);
        let mut filed = self.filed.borrow_mut();
        let first = filed.first_key_value().map(|(tick, _)| *tick);
        let bucket = filed.entry(tick);
        bucket
            .or_insert_with(|| self.spare.borrow_mut().pop().unwrap_or_default())
            .push(Rc::clone(entry));
        if first.is_none_or(|first| tick < first) {
            self.earlier.notify_one();
        }
    }

    /// Wakes what is due at `now`, and files again what has moved on.
    fn sweep(&self, now: Mono) {
        while let Some((tick, mut due)) = self.take_due(now) {
            // An entry that was filed under an earlier tick since has left a copy behind, which ends here.
            for entry in due.drain(..).filter(|entry| entry.filed.get() == tick) {
                self.visit(&entry, now);
            }
            self.spare.borrow_mut().push(due);
        }
        self.spare.borrow_mut().truncate(SPARE_MAX);
    }

    fn take_due(&self, now: Mono) -> Option<(u64, Vec<Rc<Entry>>)> {
        let mut filed = self.filed.borrow_mut();
        let (tick, _) = filed.first_key_value()?;
        // A tick covers deadlines up to its end.
        if (tick + 1) * TICK_US > now.0 {
            return None;
        }
        filed.pop_first()
    }

    fn visit(&self, entry: &Rc<Entry>, now: Mono) {
        let deadline = entry.deadline.get();
        if deadline <= now {
            entry.filed.set(u64::MAX);
            if let Some(waker) = entry.waker.take() {
                waker.wake();
            }
        } else if deadline == Mono::NEVER {
            entry.filed.set(u64::MAX);
        } else {
            self.file(entry);
        }
    }

    pub(crate) async fn run(&self, worker: &Worker) {
        loop {
            let first = self.filed.borrow().first_key_value().map(|(tick, _)| *tick);
            match first {
                None => self.earlier.notified().await,
                Some(tick) => {
                    let due = (tick + 1) * TICK_US;
                    let wait = Duration::from_micros(due.saturating_sub(worker.refresh().0));
                    let earlier = tokio::time::timeout(wait, self.earlier.notified()).await.is_ok();
                    if !earlier {
                        self.sweep(worker.resync());
                    }
                }
            }
        }
    }
}

fn tick_of(deadline: Mono) -> u64 {
    deadline.0 / TICK_US
}

/// How coarse the timers are, in microseconds: a deadline is noticed up to two ticks late.
const TICK_US: u64 = 10_000;
/// Emptied buckets that are kept.
const SPARE_MAX: usize = 64;

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timer({:?})", self.entry.deadline.get())
    }
}

impl std::fmt::Debug for Timers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timers({} ticks)", self.filed.borrow().len())
    }
}

#[cfg(test)]
mod tests;
