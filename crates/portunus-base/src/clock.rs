//! Time, passed in: monotonic for intervals, wall time for logs.

use std::cell::Cell;
use std::time::Duration;

/// Monotonic time in microseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mono(pub u64);

impl Mono {
    /// Later than any time that is reached: "never".
    pub const NEVER: Self = Self(u64::MAX);

    /// Microseconds from `earlier` to `self`; 0 when `earlier` is later.
    #[must_use]
    pub fn since_us(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `self` moved by `by`; saturates at [`Mono::NEVER`].
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// Wall-clock time in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Wall(pub u64);

/// Where time comes from. Code of the data path never asks the system itself.
pub trait Clock {
    /// Monotonic time.
    fn mono(&self) -> Mono;
    /// Wall-clock time.
    fn wall(&self) -> Wall;
}

/// The system's clocks. All instances in a process share one start, so their times compare.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    fn mono(&self) -> Mono {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        let start = START.get_or_init(std::time::Instant::now);
        Mono(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn wall(&self) -> Wall {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Wall(since.map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A clock that tests move by hand.
#[derive(Debug, Default)]
pub struct ManualClock {
    us: Cell<u64>,
}

impl ManualClock {
    /// Moves both clocks on by `by`.
    pub fn advance(&self, by: Duration) {
        self.us.set(Mono(self.us.get()).after(by).0);
    }
}

impl Clock for ManualClock {
    fn mono(&self) -> Mono {
        Mono(self.us.get())
    }

    fn wall(&self) -> Wall {
        Wall(self.us.get())
    }
}
