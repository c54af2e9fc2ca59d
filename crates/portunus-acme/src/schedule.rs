//! When to come back: pure, with clock and randomness passed in.

use std::time::Duration;

use portunus_base::{Rng, Wall};

/// From when until when a certificate counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Life {
    pub not_before: Wall,
    pub not_after: Wall,
}

impl Life {
    /// A certificate that was issued just now is not renewed before, even if its authority says that
    /// it is time: one that always says so would be asked without end.
    pub(crate) fn earliest_renewal(self, issued: Wall) -> Wall {
        let third = Duration::from_micros(self.not_after.0.saturating_sub(self.not_before.0) / 3);
        later(issued, third.min(RENEWAL_PAUSE))
    }
}

/// The window in which the authority wants the renewal: RFC 9773, section 4.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    pub start: Wall,
    pub end: Wall,
}

/// When a certificate is renewed, and what that was chosen from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Renewal {
    pub at: Wall,
    pub window: Option<Window>,
}

impl Renewal {
    /// A moment in the authority's window, or one that our own rule gives.
    pub(crate) fn choose(
        life: Life,
        window: Option<Window>,
        before: Option<Duration>,
        rng: &mut Rng,
    ) -> Self {
        let at = match window {
            Some(window) => between(window.start, window.end, rng),
            None => by_life(life, before, rng),
        };
        // Later than its end would be a gap, whatever the authority says.
        Self { at: at.min(life.not_after), window }
    }

    /// The same moment as long as the window stays; another one when it moves.
    pub(crate) fn moved(self, other: Self) -> Self {
        if self.window == other.window { self } else { other }
    }
}

/// At two thirds of the life, or so long before its end; a little earlier by chance, so that what was
/// issued together is not renewed together.
fn by_life(life: Life, before: Option<Duration>, rng: &mut Rng) -> Wall {
    let life_us = life.not_after.0.saturating_sub(life.not_before.0);
    let before_us = before.map_or(life_us / 3, us).min(life_us);
    let latest = life.not_after.0 - before_us.min(life.not_after.0);
    let jitter_us = life_us / JITTER_PART;
    between(Wall(latest.saturating_sub(jitter_us)), Wall(latest), rng)
}

/// How long to wait after so many failures in a row: 1 minute, doubled up to 6 hours, and a fifth of
/// it more or less.
pub(crate) fn backoff(failures: u32, rng: &mut Rng) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let middle_us = us(doubled.min(BACKOFF_MAX));
    let fifth_us = middle_us / 5;
    let spread = between(Wall(middle_us - fifth_us), Wall(middle_us + fifth_us), rng);
    Duration::from_micros(spread.0)
}

fn between(start: Wall, end: Wall, rng: &mut Rng) -> Wall {
    let width = usize::try_from(end.0.saturating_sub(start.0)).unwrap_or(usize::MAX);
    Wall(start.0.saturating_add(rng.below(width) as u64))
}

/// Whole microseconds.
pub(crate) fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A moment so much later.
pub(crate) fn later(now: Wall, by: Duration) -> Wall {
    Wall(now.0.saturating_add(us(by)))
}

const JITTER_PART: u64 = 30;
const RENEWAL_PAUSE: Duration = Duration::from_secs(3600);
const BACKOFF_MIN: Duration = Duration::from_secs(60);
const BACKOFF_MAX: Duration = Duration::from_secs(6 * 3600);

#[cfg(test)]
mod tests;
