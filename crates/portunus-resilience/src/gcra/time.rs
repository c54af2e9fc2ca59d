//! Time as the algorithm counts it: in parts of the time that one request costs.

use std::fmt;
use std::time::Duration;

use portunus_base::{Mono, Rate};

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// How often, in the long run.
    pub rate: Rate,
    /// How much at once.
    pub burst: u32,
}

/// Why a quota cannot be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GcraSpecError {
    /// Nothing may ever pass.
    Zero,
    /// The burst is too large to count.
    Burst,
    /// More than a million a second, or less than one in a year.
    Rate,
}

impl fmt::Display for GcraSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a rate and a burst of at least 1 are needed",
            Self::Burst => "the burst is too large: at most 100000000",
            Self::Rate => "the rate must be between 1 a year and 1000000 a second",
        })
    }
}

impl Quota {
    /// A quota that can be kept.
    ///
    /// # Errors
    /// See [`GcraSpecError`].
    pub fn new(rate: Rate, burst: u32) -> Result<Self, GcraSpecError> {
        let window_us = rate.window.as_micros();
        if rate.count == 0 || burst == 0 || window_us == 0 {
            return Err(GcraSpecError::Zero);
        }
        if burst > BURST_MAX {
            return Err(GcraSpecError::Burst);
        }
        let fastest = u128::from(rate.count) <= window_us;
        let slowest = window_us <= YEAR.as_micros() * u128::from(rate.count);
        if fastest && slowest { Ok(Self { rate, burst }) } else { Err(GcraSpecError::Rate) }
    }
}

/// Turns time into ticks: [`TICKS`] of them are what one request costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    epoch: Mono,
    /// Ticks of a microsecond, times 2^64, rounded up: in a hundred years that makes less than one tick.
    per_us: u128,
    window_us: u64,
    count: u64,
    burst: u32,
}

impl Ticks {
    pub(super) fn new(quota: Quota, now: Mono) -> Self {
        let window_us = u64::try_from(quota.rate.window.as_micros()).unwrap_or(u64::MAX);
        let count = quota.rate.count;
        let per_window = (u128::from(count) * u128::from(TICKS)) << 64;
        let per_us = per_window.div_ceil(u128::from(window_us.max(1)));
        Self { epoch: now, per_us, window_us, count, burst: quota.burst.saturating_mul(TICKS) }
    }

    /// The burst, in ticks.
    pub(super) fn burst(&self) -> u32 {
        self.burst
    }

    /// The tick of a moment; comes round after 2^32.
    pub(super) fn at(&self, now: Mono) -> u32 {
        let elapsed_us = u128::from(now.since_us(self.epoch));
        (elapsed_us.wrapping_mul(self.per_us) >> 64) as u32
    }

    /// By how much the time in a word is ahead of now: what is taken from the budget. More than a half round is the
    /// past. Workers read their clocks at different moments, so it may be more than the burst.
    pub(super) fn ahead(&self, word: u64, now: u32) -> u32 {
        let ahead = (word as u32).wrapping_sub(now);
        if ahead > u32::MAX / 2 { 0 } else { ahead }
    }

    pub(super) fn micros(&self, ticks: u32) -> u64 {
        let scaled = u128::from(ticks) * u128::from(self.window_us);
        let per_window = u128::from(self.count) * u128::from(TICKS);
        u64::try_from(scaled.div_ceil(per_window.max(1))).unwrap_or(u64::MAX)
    }

    /// Half of the time after which ticks come round, less what may be ahead.
    pub(super) fn sweep_every_us(&self) -> u64 {
        self.micros(u32::MAX / 2 - self.burst)
    }
}

/// Ticks that one request costs: how finely time is seen between two of them.
pub(super) const TICKS: u32 = 16;
/// Twice the largest burst still fits half of the ticks.
const BURST_MAX: u32 = u32::MAX / 4 / TICKS;
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
