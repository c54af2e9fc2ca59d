//! Passive ejection: when the results of requests put an endpoint out, for how long, and how many of a set at once.
//! Pure.

use std::time::Duration;

use crate::window::WindowPlan;

/// What puts an endpoint out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierPlan {
    /// Answers from 500 to 599, without a better one between, that put an endpoint out; 0 is never.
    pub consecutive_5xx: u32,
    /// Failures, without a good answer between, that put an endpoint out; 0 is never.
    pub consecutive_failures: u32,
    /// How long the first ejection lasts; each further one lasts twice as long as the one before.
    pub eject_for: Duration,
    /// How long an ejection lasts at most.
    pub eject_for_max: Duration,
    /// The share of a set that is ejected at once at most: 0.0 to 1.0.
    pub max_ejected: f64,
    /// With a smaller share of usable endpoints, the ejected ones are used too: 0.0 to 1.0.
    pub panic: f64,
    /// What the requests of a while are judged by; nothing is counted without it.
    pub window: Option<WindowPlan>,
}

impl OutlierPlan {
    /// How many of a set of `count` endpoints may be ejected at once.
    #[must_use]
    pub fn ejected_max(&self, count: usize) -> usize {
        // Without the small addition, 29 % of 100 would be 28.
        (self.max_ejected * count as f64 + 1e-9) as usize
    }

    /// True when ejections are not heeded: `usable` of `count` endpoints are too few to carry the load.
    #[must_use]
    pub fn panics(&self, usable: usize, count: usize) -> bool {
        (usable as f64) + 1e-9 < self.panic * count as f64
    }

    /// Whether there is a rule that ejects for this.
    #[must_use]
    pub fn ejects_for(&self, why: Ejection) -> bool {
        match why {
            Ejection::Consecutive5xx => self.consecutive_5xx > 0,
            Ejection::ConsecutiveFailures => self.consecutive_failures > 0,
            Ejection::ErrorRate | Ejection::SuccessRate | Ejection::Latency => {
                self.window.is_some()
            }
        }
    }

    /// Whether times to the heads of answers are compared.
    pub(crate) fn compares_latency(&self) -> bool {
        self.window.is_some_and(|window| window.slower_than.is_some())
    }

    /// How long an ejection lasts that comes after `level` remembered ones.
    pub(crate) fn duration(&self, level: u32) -> Duration {
        let doubled = 1_u32.checked_shl(level).and_then(|by| self.eject_for.checked_mul(by));
        doubled.unwrap_or(self.eject_for_max).min(self.eject_for_max.max(self.eject_for))
    }

    /// How many of `level` ejections are remembered after `quiet` without one: each `eject_for` takes one off.
    pub(crate) fn remembered(&self, level: u32, quiet: Duration) -> u32 {
        let forgotten = quiet.as_micros().checked_div(self.eject_for.as_micros());
        let forgotten = forgotten.and_then(|count| u32::try_from(count).ok()).unwrap_or(u32::MAX);
        level.saturating_sub(forgotten)
    }
}

/// What an endpoint is ejected for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ejection {
    /// Answers from 500 to 599 in a row.
    Consecutive5xx,
    /// Failures in a row.
    ConsecutiveFailures,
    /// Too many bad results within a window.
    ErrorRate,
    /// More bad results within a window than the others have.
    SuccessRate,
    /// It answers much later than the others.
    Latency,
}

impl Ejection {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 5] = [
        Self::Consecutive5xx,
        Self::ConsecutiveFailures,
        Self::ErrorRate,
        Self::SuccessRate,
        Self::Latency,
    ];

    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Consecutive5xx => "consecutive_5xx",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::ErrorRate => "error_rate",
            Self::SuccessRate => "success_rate",
            Self::Latency => "latency",
        }
    }
}

/// What an endpoint did with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It answered, and not with a fault of its own.
    Good,
    /// It answered with a status from 500 on.
    ServerError,
    /// It had the request, and gave no whole answer.
    Failed,
    /// It could not be connected to.
    Unreachable,
}

impl Outcome {
    /// The outcome that an answer's status tells.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        if status < 500 { Self::Good } else { Self::ServerError }
    }
}

#[cfg(test)]
mod tests;
