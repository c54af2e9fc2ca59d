//! One thread, one core, one current-thread runtime: tasks, coarse timers, cached time, a mailbox, and
//! values that control publishes and workers follow.
//!
//! Knows no protocol and no snapshot. A worker never blocks, never reads a file, and takes no lock that it shares
//! with another thread.

mod mailbox;
mod published;
mod thread;
mod timer;
mod worker;

pub use mailbox::{Command, Mailbox, Outbox, Slot};
pub use published::{Followed, Published};
pub use thread::{WorkerThread, pin_to_core, spawn_worker};
pub use timer::{Elapsed, Timer, Timers};
pub use worker::Worker;
