//! How fast bytes may flow: what was sent is counted, and the answer is how long to wait before the next.

use std::time::Duration;

use portunus_base::Mono;

use crate::table::Table;

/// The pace of many keys, each shared by all of its streams.
#[derive(Debug)]
pub struct Pace {
    table: Table,
}

/// The pace of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct PacedStream {
    word: u64,
}

/// Bytes in a second, and how many may flow at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PaceRate {
    bytes_per_s: u64,
    burst_ns: u64,
}

impl PaceRate {
    /// A rate of at least one byte a second.
    #[must_use]
    pub fn new(bytes_per_s: u64, burst_bytes: u64) -> Self {
        let rate = Self { bytes_per_s: bytes_per_s.max(1), burst_ns: 0 };
        Self { burst_ns: rate.span_ns(burst_bytes), ..rate }
    }

    /// How long so many bytes take, in nanoseconds.
    fn span_ns(self, bytes: u64) -> u64 {
        let ns = (u128::from(bytes) * NS_PER_S).div_ceil(u128::from(self.bytes_per_s));
        u64::try_from(ns).unwrap_or(u64::MAX).min(SPAN_MAX_NS)
    }

    /// The word after so many bytes more, and how long to wait.
    fn take(self, word: u64, bytes: u64, now: Mono) -> (u64, Duration) {
        let now_ns = now.0.saturating_mul(1000).min(SPAN_MAX_NS * 4);
        let ahead_ns = word.saturating_sub(now_ns).saturating_add(self.span_ns(bytes));
        let ahead_ns = ahead_ns.min(SPAN_MAX_NS);
        (now_ns + ahead_ns, Duration::from_nanos(ahead_ns.saturating_sub(self.burst_ns)))
    }
}

impl Pace {
    /// The pace of about `keys_max` keys; 32 bytes a key.
    #[must_use]
    pub fn new(keys_max: usize) -> Self {
        Self { table: Table::new(keys_max) }
    }

    /// So many bytes flow for a key: how long until the next may. `key` is a hash that clients cannot choose.
    #[must_use]
    pub fn take(&self, key: u64, rate: PaceRate, bytes: u64, now: Mono) -> Duration {
        let loss = |word: u64| word.saturating_sub(now.0.saturating_mul(1000));
        let wait = self.table.update(key, loss, |word| rate.take(word, bytes, now));
        wait.unwrap_or_default()
    }

    /// So many bytes were taken, and do not flow after all.
    pub fn give_back(&self, key: u64, rate: PaceRate, bytes: u64) {
        let step = |word: u64| (word.saturating_sub(rate.span_ns(bytes)), ());
        let _ = self.table.update(key, |_| 1, step);
    }

    /// The memory of the table, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl PacedStream {
    /// So many bytes flow: how long until the next may.
    pub fn take(&mut self, rate: PaceRate, bytes: u64, now: Mono) -> Duration {
        let (word, wait) = rate.take(self.word, bytes, now);
        self.word = word;
        wait
    }
}

const NS_PER_S: u128 = 1_000_000_000;
/// No wait is longer than this: some 36 years.
const SPAN_MAX_NS: u64 = 1 << 60;

#[cfg(test)]
mod tests;
