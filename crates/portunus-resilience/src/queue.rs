//! Those who wait for a place that others hold: served in order, and told one at a time.
//!
//! Whoever gives a place back calls the first of the line. Who is called tries to take a place; where it finds none, it
//! goes back to where it stood, and the first one that sees from elsewhere is called in its place. No call is lost: one
//! that finds nobody in the line while somebody is called is remembered for the next, and one whom nobody waits for any
//! more is passed on.
//!
//! The line is under a lock, but only those come to it who wait or find somebody waiting. All others pass by one load:
//! whoever waits is counted first and then looks for a free place, whoever gives a place back frees it first and then
//! looks at the count, so one of the two sees the other.

mod line;

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use line::{Lines, Rank};

use crate::sync::{self, AtomicU32, AtomicU64, fence};

/// Lines of those who wait, by key, under one bound.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Queue {
    /// How many are in a line or called. While nobody needs to wait it is only read.
    present: AtomicU32,
    lines: sync::Lock<Lines>,
    ends: [AtomicU64; WaitEnd::ALL.len()],
    waited_us: AtomicU64,
}

impl Queue {
    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.present.load(Ordering::Relaxed)
    }

    /// Whether somebody waits for a place of this key, and so comes first.
    #[must_use]
    pub fn is_waited_for(&self, key: u64) -> bool {
        self.waiting() > 0 && self.with(|lines| lines.is_waited_for(key))
    }

    /// A place of this key is free: the first in its line is told. The place was freed by a `SeqCst` change.
    pub fn call(&self, key: u64) {
        if self.present.load(Ordering::SeqCst) > 0 {
            self.call_first(key);
        }
    }

    /// Joins the line of a key. Where as many wait already as may, whoever is last in the line makes room, if it is of
    /// a lower class.
    ///
    /// # Errors
    /// There is no room.
    pub fn join(self: &Arc<Self>, wish: Wish) -> Result<Turn, Full> {
        let (rank, pushed_out) = self.with(|lines| {
            let mut pushed_out = None;
            let fits = self.waiting() < wish.max && lines.len(wish.key) < wish.key_max as usize;
            if fits {
                self.present.fetch_add(1, Ordering::SeqCst);
            } else {
                pushed_out = lines.push_out(wish.key, wish.priority)?;
            }
            Ok((lines.join(&wish), pushed_out))
        })?;
        pushed_out.into_iter().for_each(Waker::wake);
        // Whoever freed a place without seeing the count did so before what the called one looks at from here on.
        fence(Ordering::SeqCst);
        Ok(Turn { queue: Arc::clone(self), wish, rank, room: None })
    }

    /// Counts how a wait ended, and how long it was.
    pub fn note(&self, end: WaitEnd, waited: Duration) {
        if let Some(count) = self.ends.get(end as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_us.fetch_add(us, Ordering::Relaxed);
    }

    /// How many waits ended so.
    #[must_use]
    pub fn ended(&self, end: WaitEnd) -> u64 {
        self.ends.get(end as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How long all waits together were that have ended.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us.load(Ordering::Relaxed))
    }

    #[cold]
    fn call_first(&self, key: u64) {
        self.with(|lines| lines.call(key)).into_iter().for_each(Waker::wake);
    }

    fn with<R>(&self, act: impl FnOnce(&mut Lines) -> R) -> R {
        // Nothing that happens under the lock leaves lines half changed.
        act(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place in a line; given up when it is dropped.
#[derive(Debug)]
pub struct Turn {
    queue: Arc<Queue>,
    wish: Wish,
    rank: Rank,
    /// It has what it waited for, and saw so many more places free.
    room: Option<u32>,
}

impl Turn {
    /// Waits until `take` gives something. It is asked each time that a place may be free, and tells as well how many
    /// more are, as far as it can see.
    ///
    /// # Errors
    /// Somebody of a higher class has pushed this one out of the line.
    pub async fn wait<T>(
        mut self,
        mut take: impl FnMut() -> Option<(T, u32)>,
    ) -> Result<T, PushedOut> {
        loop {
            poll_fn(|cx| self.poll_called(cx)).await?;
            if let Some((taken, room)) = take() {
                self.room = Some(room);
                return Ok(taken);
            }
            let next = self.queue.with(|lines| lines.back(&self.wish, self.rank));
            next.into_iter().for_each(Waker::wake);
        }
    }

    fn poll_called(&self, cx: &Context<'_>) -> Poll<Result<(), PushedOut>> {
        // The one that was known before comes back, and is dropped when the lock is free.
        let mut waker = cx.waker().clone();
        self.queue.with(|lines| lines.poll_called(&self.wish, self.rank, &mut waker))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = self.queue.with(|lines| {
            let (was_there, next) = lines.leave(&self.wish, self.rank, self.room);
            if was_there {
                self.queue.present.fetch_sub(1, Ordering::SeqCst);
            }
            next
        });
        next.into_iter().for_each(Waker::wake);
    }
}

/// What somebody waits for, and how.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Whose places.
    pub key: u64,
    /// Who comes before whom.
    pub priority: Priority,
    /// Where it sees places from: of two that name the same, one finds a place where the other one does.
    pub sight: u64,
    /// The most that may wait for all keys.
    pub max: u32,
    /// The most that may wait for this one.
    pub key_max: u32,
}

/// Who is served before whom.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// Before all others.
    High,
    /// Between both.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// As many wait as may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// Somebody of a higher class came when as many waited as may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PushedOut;

/// How a wait ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitEnd {
    /// With a place.
    Served,
    /// It took too long.
    Late,
    /// Before it began: as many waited as may.
    Full,
    /// Somebody of a higher class needed the room.
    PushedOut,
    /// Whoever waited went away.
    Left,
}

impl WaitEnd {
    /// All ends, in order.
    pub const ALL: [Self; 5] = [Self::Served, Self::Late, Self::Full, Self::PushedOut, Self::Left];

    /// What it is called in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Late => "timeout",
            Self::Full => "full",
            Self::PushedOut => "pushed_out",
            Self::Left => "left",
        }
    }
}

#[cfg(test)]
mod tests;
