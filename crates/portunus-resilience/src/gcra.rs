//! Rate limits by the generic cell rate algorithm, for many keys at once.
//!
//! The word of a key is its *theoretical arrival time*, the moment at which its budget is whole again (ITU-T I.371,
//! Annex A). It does not know its rate: when a rate changes, what was taken before still takes the same time to heal.

use std::fmt;
use std::time::Duration;

use portunus_base::{Mono, Rate};

use crate::admission::Admission;
use crate::table::Table;

/// How much of their budgets many keys have taken.
#[derive(Debug)]
pub struct Gcra {
    table: Table,
}

impl Gcra {
    /// Budgets of about `keys_max` keys in use at once; the memory is [`Gcra::bytes`], 32 bytes a key.
    #[must_use]
    pub fn new(keys_max: usize) -> Self {
        Self { table: Table::new(keys_max) }
    }

    /// Takes `cost` from the budget of a key, if it is there. `key` is a hash that clients cannot choose.
    #[must_use]
    pub fn admit(&self, key: u64, budget: &Budget, cost: u64, now: Mono) -> Admission {
        let now = ticks_at(now);
        let step = |word: u64| {
            let used = word.saturating_sub(now);
            let wanted = used.saturating_add(budget.ticks(cost));
            if wanted > budget.burst_ticks {
                return (word, budget.refused(used, wanted));
            }
            let next = if wanted == 0 { word } else { now + wanted };
            (next, budget.admitted(wanted))
        };
        let answer = self.table.update(key, |word| word.saturating_sub(now), step);
        answer.unwrap_or_else(|| budget.admitted(0))
    }

    /// What a request would get, without taking anything.
    #[must_use]
    pub fn peek(&self, key: u64, budget: &Budget, cost: u64, now: Mono) -> Admission {
        let used = self.table.word(key).saturating_sub(ticks_at(now));
        let wanted = used.saturating_add(budget.ticks(cost));
        if wanted > budget.burst_ticks {
            budget.refused(used, wanted)
        } else {
            budget.admitted(used)
        }
    }

    /// Takes `cost` even where it is not there: the key is in debt then, for a year at most.
    pub fn charge(&self, key: u64, budget: &Budget, cost: u64, now: Mono) {
        let now = ticks_at(now);
        let step = |word: u64| {
            let used = word.saturating_sub(now).saturating_add(budget.ticks(cost));
            (if used == 0 { word } else { now + used.min(DEBT_MAX) }, ())
        };
        let _ = self.table.update(key, |word| word.saturating_sub(now), step);
    }

    /// Gives back what was admitted.
    pub fn refund(&self, key: u64, budget: &Budget, cost: u64) {
        let step = |word: u64| (word.saturating_sub(budget.ticks(cost)), ());
        let _ = self.table.update(key, |_| 1, step);
    }

    /// How many budgets in use were forgotten for want of room.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.table.forgotten()
    }

    /// Keys whose budget is not whole.
    #[must_use]
    pub fn keys(&self, now: Mono) -> usize {
        let now = ticks_at(now);
        self.table.words().filter(|(_, word)| *word > now).count()
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    rate: Rate,
    burst: u64,
    /// The time that one request costs.
    request_ticks: u64,
    burst_ticks: u64,
}

impl Budget {
    /// A rate in the long run, and how much may come at once.
    ///
    /// # Errors
    /// See [`BudgetError`].
    pub fn new(rate: Rate, burst: u64) -> Result<Self, BudgetError> {
        let window_us = rate.window.as_micros();
        if rate.count == 0 || burst == 0 || window_us == 0 {
            return Err(BudgetError::Zero);
        }
        let fastest = u128::from(rate.count) <= window_us;
        let slowest = window_us <= YEAR.as_micros() * u128::from(rate.count);
        if !fastest || !slowest {
            return Err(BudgetError::Rate);
        }
        let ticks = (window_us << TICK_BITS).div_ceil(u128::from(rate.count));
        let request_ticks = u64::try_from(ticks).map_err(|_| BudgetError::Rate)?;
        let burst_ticks = request_ticks.checked_mul(burst).filter(|ticks| *ticks <= BURST_MAX);
        let burst_ticks = burst_ticks.ok_or(BudgetError::Burst)?;
        Ok(Self { rate, burst, request_ticks, burst_ticks })
    }

    /// How often, in the long run.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// How much at once.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }

    fn ticks(&self, cost: u64) -> u64 {
        self.request_ticks.saturating_mul(cost)
    }

    fn admitted(&self, used: u64) -> Admission {
        Admission {
            allowed: true,
            remaining: self.burst_ticks.saturating_sub(used) / self.request_ticks,
            retry_after_us: 0,
            reset_us: micros(used),
        }
    }

    fn refused(&self, used: u64, wanted: u64) -> Admission {
        let retry_after_us = micros(wanted - self.burst_ticks);
        Admission { allowed: false, retry_after_us, ..self.admitted(used) }
    }
}

/// Why a budget cannot be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BudgetError {
    /// Nothing may ever pass.
    Zero,
    /// The burst is worth more than thirty years.
    Burst,
    /// More than a million a second, or less than one in a year.
    Rate,
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a rate and a burst of at least 1 are needed",
            Self::Burst => "the burst is too large: it would take more than 30 years to grow back",
            Self::Rate => "the rate must be between 1 a year and 1000000 a second",
        })
    }
}

/// Moments and spans as words hold them. A process lives for far less than the 285 years that fit.
fn ticks_at(now: Mono) -> u64 {
    now.0.min(MONO_MAX) << TICK_BITS
}

fn micros(ticks: u64) -> u64 {
    ticks.div_ceil(1 << TICK_BITS)
}

/// A tick is 1/1024 of a microsecond, so that the intervals of common rates are exact to a millionth.
const TICK_BITS: u32 = 10;
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
const MONO_MAX: u64 = 1 << 52;
const BURST_MAX: u64 = 1 << 60;
/// A year.
const DEBT_MAX: u64 = (366 * 24 * 3600 * 1_000_000) << TICK_BITS;

#[cfg(test)]
mod tests;
