//! How long to wait before the next try: longer with each failure in a row, and never in step with
//! others.

use std::time::Duration;

use portunus_base::Rng;

/// Exponential back-off with jitter. The one way in which providers wait after a failure.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
    rng: Rng,
}

impl Backoff {
    /// Waits of up to `first` after one failure, twice as long after each further one, at most
    /// `max`.
    #[must_use]
    pub fn new(first: Duration, max: Duration, rng: Rng) -> Self {
        Self { first, max, failures: 0, rng }
    }

    /// One more failure: how long to wait now. Between half of the step and all of it.
    pub fn fail(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let step = self.first.saturating_mul(factor).min(self.max);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + self.rng.below(1_000) as f64 / 2_000.0)
    }

    /// It worked. Gives the number of failures that came before.
    pub fn reset(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }
}

#[cfg(test)]
mod tests;
