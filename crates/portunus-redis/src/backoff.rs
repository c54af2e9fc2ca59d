//! How long to wait before the next try.

use std::time::Duration;

use portunus_base::Rng;

/// Doubles from a tenth of a second up to a bound, each time moved by up to a quarter, so that the workers of many nodes
/// do not come back all at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
    rng: Rng,
}

impl Backoff {
    pub(crate) fn new(longest: Duration, rng: Rng) -> Self {
        Self { next: FIRST.min(longest), longest, rng }
    }

    pub(crate) fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }

    pub(crate) fn take(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait.mul_f64(0.75 + self.rng.below(501) as f64 / 1000.0)
    }
}

const FIRST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
