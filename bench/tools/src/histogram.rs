//! Counts of latencies, in buckets that are at most 1/64 wide of what they hold.

use std::fmt::Write as _;

/// How many values there were, by their size in microseconds.
#[derive(Debug, Default)]
pub struct Histogram(Vec<u32>);

impl Histogram {
    /// Counts one value, in microseconds.
    pub fn record(&mut self, value_us: u64) {
        let bucket = bucket(value_us);
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        if let Some(count) = self.0.get_mut(bucket) {
            *count += 1;
        }
    }

    /// The buckets that hold something, as a JSON array of `[highest value, count]`, smallest first.
    #[must_use]
    pub fn json(&self) -> String {
        let mut text = "[".to_owned();
        for (bucket, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            let comma = if text.len() > 1 { "," } else { "" };
            let _ = write!(text, "{comma}[{},{count}]", highest_us(bucket));
        }
        text + "]"
    }
}

/// The bucket of a value: one for each below 128, then 64 for each power of two.
fn bucket(value_us: u64) -> usize {
    let value_us = value_us.clamp(1, HIGHEST_US);
    let shift = value_us.ilog2().saturating_sub(PRECISION_BITS);
    usize::try_from((u64::from(shift) << PRECISION_BITS) + (value_us >> shift)).unwrap_or(0)
}

/// The largest value that falls into the bucket.
fn highest_us(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> PRECISION_BITS).saturating_sub(1);
    ((bucket - (shift << PRECISION_BITS) + 1) << shift) - 1
}

const PRECISION_BITS: u32 = 6;
/// More than an hour; what is longer counts as this.
const HIGHEST_US: u64 = (1 << 32) - 1;

#[cfg(test)]
mod tests;
