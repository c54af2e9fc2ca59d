//! The open loop: request k is due at k/rate, whatever became of the ones before.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use crate::now;

/// The queue of requests that are due, between the one that paces and those that send.
#[derive(Debug)]
pub struct Pace {
    due: RefCell<VecDeque<Instant>>,
    /// One permit for each entry of `due`: connections wait on it in turn.
    waiting: Semaphore,
}

impl Default for Pace {
    fn default() -> Self {
        Self { due: RefCell::default(), waiting: Semaphore::new(0) }
    }
}

impl Pace {
    /// Puts `total` requests into the queue, each when it is due.
    ///
    /// # Errors
    /// When the kernel gives no timer.
    pub async fn run(&self, start: Instant, rate: u64, total: u64) -> Result<()> {
        let timer = Timer::new()?;
        for number in 0..total {
            let due = start + due_after(number, rate);
            let wait = due.saturating_duration_since(now());
            if wait > Duration::ZERO {
                timer.wait(wait).await?;
            }
            self.due.borrow_mut().push_back(due);
            self.waiting.add_permits(1);
            if wait.is_zero() {
                yield_now().await;
            }
        }
        Ok(())
    }

    /// When the next request was due; waits for one.
    pub async fn next(&self) -> Option<Instant> {
        self.waiting.acquire().await.ok()?.forget();
        self.due.borrow_mut().pop_front()
    }
}

/// How long after the start request `number` is due, at `rate` requests a second.
fn due_after(number: u64, rate: u64) -> Duration {
    let rate = rate.max(1);
    Duration::from_secs(number / rate)
        + Duration::from_nanos((number % rate) * 1_000_000_000 / rate)
}

/// A kernel timer of nanoseconds. The runtime's own has a grain of one millisecond, in which
/// twenty requests would be due at once.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(deprecated, reason = "sound here: it owns the descriptor until it is dropped")]
    fn new() -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    async fn wait(&self, span: Duration) -> Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let span = Itimerspec { it_interval: zero, it_value: Timespec::try_from(span)? };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &span)?;
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
            if let Ok(result) = read {
                result?;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
