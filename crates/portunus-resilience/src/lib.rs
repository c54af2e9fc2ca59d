//! What keeps a service from being asked for too much. Pure: the clock is passed in, keys are hashes.
//!
//! Limits stand on one lock-free table of words by key; a limit is what it reads out of such a word and what it
//! writes back. A breaker is for one upstream, and has its words to itself. A queue is for those who wait; only they meet
//! its lock.

mod admission;
mod backoff;
mod breaker;
mod calendar;
mod concurrency;
mod gcra;
mod gradient;
mod pace;
mod queue;
mod seed;
mod sliding;
mod sync;
mod table;

pub use admission::Admission;
pub use backoff::{Backoff, BackoffRule};
pub use breaker::{Breaker, BreakerRule, BreakerStand, BreakerTurns, Pass};
pub use calendar::{Calendar, Period, Usage};
pub use concurrency::{Acquired, Concurrency, Permit};
pub use gcra::{Budget, BudgetError, Gcra};
pub use gradient::{Gradient, GradientRule};
pub use pace::{Pace, PaceRate, PacedStream};
pub use queue::{Full, Priority, PushedOut, Queue, Turn, WaitEnd, Wish};
pub use seed::Seed;
pub use sliding::{SlidingWindow, Window, WindowError};

#[cfg(all(test, feature = "shuttle"))]
mod schedules;
