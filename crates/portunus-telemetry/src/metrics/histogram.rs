//! The buckets of all histograms: powers of two from 1 ms to 32.768 s, then 60 s, then the rest.

/// The bucket of a duration, found without a loop.
#[inline]
pub(super) fn bucket(us: u64) -> usize {
    let ms = us.div_ceil(1000);
    if ms > LAST_MS {
        return BUCKETS - 1;
    }
    // The smallest k with ms <= 2^k; 60 s lies below 2^16 ms.
    (u64::BITS - ms.saturating_sub(1).leading_zeros()) as usize
}

/// How many buckets there are, with the one for all that is longer.
pub(super) const BUCKETS: usize = BOUNDS_US.len() + 1;
/// The inclusive upper bounds in microseconds; the last bucket has none.
pub const BOUNDS_US: [u64; 17] = [
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 1_024_000,
    2_048_000, 4_096_000, 8_192_000, 16_384_000, 32_768_000, 60_000_000,
];
/// The bounds in seconds, as the exposition writes them.
pub(super) const BOUNDS_TEXT: [&str; BUCKETS] = [
    "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512",
    "1.024", "2.048", "4.096", "8.192", "16.384", "32.768", "60.0", "+Inf",
];
const LAST_MS: u64 = 60_000;

#[cfg(test)]
mod tests;
