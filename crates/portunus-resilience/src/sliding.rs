//! A sliding window by two counters: the window before counts as if it had been spread evenly.
//!
//! Never more than the limit passes in an aligned window, and never twice the limit in any span of that length; where
//! requests come evenly, it is the limit to within one request. All workers count exactly the same.

use std::fmt;

use portunus_base::{Mono, Rate};

use crate::admission::Admission;
use crate::table::Table;

/// What many keys did in this window and in the one before.
#[derive(Debug)]
pub struct SlidingWindow {
    table: Table,
    window: Window,
}

impl SlidingWindow {
    /// Counters of about `keys_max` keys; 32 bytes a key.
    #[must_use]
    pub fn new(window: Window, keys_max: usize) -> Self {
        Self { table: Table::new(keys_max), window }
    }

    /// Counts `cost`, if it fits. `key` is a hash that clients cannot choose.
    #[must_use]
    pub fn admit(&self, key: u64, cost: u64, now: Mono) -> Admission {
        let window = self.window;
        let step = |word: u64| {
            let counts = window.counts(word, now);
            let answer = window.judge(counts, cost);
            if !answer.allowed || cost == 0 {
                return (word, answer);
            }
            let counts = Counts { current: counts.current + cost, ..counts };
            (window.word(counts), window.admission(counts, true))
        };
        let answer = self.table.update(key, |word| window.loss(word, now), step);
        answer.unwrap_or_else(|| window.judge(window.counts(0, now), cost))
    }

    /// What a request would get, without counting it.
    #[must_use]
    pub fn peek(&self, key: u64, cost: u64, now: Mono) -> Admission {
        self.window.judge(self.window.counts(self.table.word(key), now), cost)
    }

    /// Counts `cost` even where it does not fit, up to the largest count that the window can keep.
    pub fn charge(&self, key: u64, cost: u64, now: Mono) {
        let window = self.window;
        let step = |word: u64| {
            let counts = window.counts(word, now);
            let current = counts.current.saturating_add(cost).min(window.count_max());
            (if cost == 0 { word } else { window.word(Counts { current, ..counts }) }, ())
        };
        let _ = self.table.update(key, |word| window.loss(word, now), step);
    }

    /// Gives back what was admitted.
    pub fn refund(&self, key: u64, cost: u64, now: Mono) {
        let window = self.window;
        let step = |word: u64| {
            let counts = window.counts(word, now);
            let current = counts.current.saturating_sub(cost);
            (if word == 0 { 0 } else { window.word(Counts { current, ..counts }) }, ())
        };
        let _ = self.table.update(key, |word| window.loss(word, now), step);
    }

    /// How many counters in use were forgotten for want of room.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.table.forgotten()
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// How many in which span; and how a word keeps its counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    limit: u64,
    window_us: u64,
    /// Bits of a count. What two counts leave of a word is the number of the window.
    count_bits: u32,
}

/// A word, taken apart.
#[derive(Clone, Copy)]
struct Counts {
    /// The number of the current window.
    number: u64,
    current: u64,
    previous: u64,
    /// Since the current window began.
    elapsed_us: u64,
}

impl Window {
    /// A window that can be kept.
    ///
    /// # Errors
    /// See [`WindowError`].
    pub fn new(rate: Rate) -> Result<Self, WindowError> {
        let window_us = u64::try_from(rate.window.as_micros()).map_err(|_| WindowError::Long)?;
        if rate.count == 0 || window_us == 0 {
            return Err(WindowError::Zero);
        }
        if window_us > YEAR_US {
            return Err(WindowError::Long);
        }
        let count_bits = u64::BITS - rate.count.leading_zeros();
        // Numbers of windows come round; a key that was idle for exactly so long would be taken for a busy one.
        let number_bits = 63u32.saturating_sub(2 * count_bits);
        let round_us = u128::from(window_us) << number_bits;
        if number_bits < 2 || round_us < u128::from(YEAR_US / 12) {
            return Err(WindowError::Many);
        }
        Ok(Self { limit: rate.count, window_us, count_bits })
    }

    fn counts(&self, word: u64, now: Mono) -> Counts {
        let number = (now.0 / self.window_us).wrapping_add(1) & self.number_max();
        let elapsed_us = now.0 % self.window_us;
        let then = word >> (2 * self.count_bits);
        let (current, previous) =
            (word & self.count_max(), word >> self.count_bits & self.count_max());
        let none = Counts { number, current: 0, previous: 0, elapsed_us };
        match number.wrapping_sub(then) & self.number_max() {
            _ if word == 0 => none,
            0 => Counts { current, previous, ..none },
            1 => Counts { previous: current, ..none },
            // Another worker's clock is ahead: it is in the next window already, at its very beginning.
            behind if behind == self.number_max() => {
                Counts { number: then, current, previous, elapsed_us: 0 }
            }
            _ => none,
        }
    }

    fn word(&self, counts: Counts) -> u64 {
        (counts.number << self.count_bits | counts.previous) << self.count_bits | counts.current
    }

    fn judge(&self, counts: Counts, cost: u64) -> Admission {
        let wanted = counts.current.saturating_add(cost);
        let allowed =
            self.weighted(counts.previous, counts.elapsed_us).saturating_add(wanted) <= self.limit;
        let answer = self.admission(counts, allowed);
        let retry_after_us = if allowed { 0 } else { self.wait_us(counts, cost) };
        Admission { retry_after_us, ..answer }
    }

    fn admission(&self, counts: Counts, allowed: bool) -> Admission {
        let used = self.weighted(counts.previous, counts.elapsed_us).saturating_add(counts.current);
        let left_us = self.window_us - counts.elapsed_us;
        let reset_us = match (counts.current, counts.previous) {
            (0, 0) => 0,
            (0, _) => left_us,
            _ => left_us + self.window_us,
        };
        Admission {
            allowed,
            remaining: self.limit.saturating_sub(used),
            retry_after_us: 0,
            reset_us,
        }
    }

    /// What the window before still counts for, rounded up.
    fn weighted(&self, previous: u64, elapsed_us: u64) -> u64 {
        let left_us = self.window_us.saturating_sub(elapsed_us);
        let weighted =
            (u128::from(previous) * u128::from(left_us)).div_ceil(u128::from(self.window_us));
        u64::try_from(weighted).unwrap_or(u64::MAX)
    }

    /// Microseconds until `cost` fits, if nothing else comes.
    fn wait_us(&self, counts: Counts, cost: u64) -> u64 {
        let left_us = self.window_us - counts.elapsed_us;
        if cost > self.limit {
            return left_us + self.window_us;
        }
        let room = self.limit - cost;
        match room.checked_sub(counts.current) {
            Some(room) => self.faded_us(counts.previous, room).saturating_sub(counts.elapsed_us),
            // Only in the next window, when this one has faded far enough.
            None => left_us + self.faded_us(counts.current, room),
        }
    }

    /// How far into a window `previous` weighs no more than `room`.
    fn faded_us(&self, previous: u64, room: u64) -> u64 {
        if previous <= room {
            return 0;
        }
        let visible_us = u128::from(room) * u128::from(self.window_us) / u128::from(previous);
        self.window_us - u64::try_from(visible_us).unwrap_or(self.window_us).min(self.window_us)
    }

    /// How bad it is to forget a word: what it still counts for.
    fn loss(&self, word: u64, now: Mono) -> u64 {
        let counts = self.counts(word, now);
        counts.current.saturating_add(self.weighted(counts.previous, counts.elapsed_us))
    }

    fn count_max(&self) -> u64 {
        (1 << self.count_bits) - 1
    }

    fn number_max(&self) -> u64 {
        (1 << (63 - 2 * self.count_bits)) - 1
    }
}

/// Why a window cannot be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WindowError {
    /// Nothing may ever pass.
    Zero,
    /// Longer than a year.
    Long,
    /// More requests in so short a window than a word can count.
    Many,
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "a rate of at least 1 is needed",
            Self::Long => "a sliding window is at most a year long",
            Self::Many => "too many for a sliding window of this length: use `algorithm: gcra`",
        })
    }
}

const YEAR_US: u64 = 366 * 24 * 3600 * 1_000_000;

#[cfg(test)]
mod tests;
