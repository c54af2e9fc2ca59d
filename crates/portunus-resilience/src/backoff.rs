//! How long to wait before trying again: longer each time, and never the same for all.

use std::time::Duration;

use portunus_base::Rng;

/// The waits between tries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BackoffRule {
    /// The most that the first retry waits; each further one waits up to twice as long as the one before.
    pub first: Duration,
    /// The most that any waits.
    pub longest: Duration,
}

impl BackoffRule {
    /// How long the `retry`th retry waits, counted from 1: evenly between half of its most and all of it, so that those
    /// who failed together do not come back together.
    #[must_use]
    pub fn wait(&self, retry: u32, rng: &mut Rng) -> Duration {
        let doubled = 1u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        let most = self.first.saturating_mul(doubled).min(self.longest);
        let half_us = usize::try_from(most.as_micros() / 2).unwrap_or(usize::MAX - 1);
        most.saturating_sub(Duration::from_micros(rng.below(half_us + 1) as u64))
    }
}

/// The waits of one who tries again until it works.
#[derive(Debug)]
pub struct Backoff {
    rule: BackoffRule,
    failures: u32,
    rng: Rng,
}

impl Backoff {
    /// Waits by `rule`; nothing has failed yet.
    #[must_use]
    pub fn new(rule: BackoffRule, rng: Rng) -> Self {
        Self { rule, failures: 0, rng }
    }

    /// One more failure: how long to wait now.
    pub fn fail(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.rule.wait(self.failures, &mut self.rng)
    }

    /// It worked. Gives the number of failures that came before.
    pub fn reset(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }
}

#[cfg(test)]
mod tests;
