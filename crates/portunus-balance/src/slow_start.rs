//! Slow start: the share of its weight that an endpoint has while it warms up. Pure.

use std::time::Duration;

/// The percentage of its weight that an endpoint has `elapsed` after it began a slow start over `whole`: from
/// [`START_PERCENT`] evenly up to 100.
#[must_use]
pub fn ramp(elapsed: Duration, whole: Duration) -> u8 {
    let rise = u128::from(100 - START_PERCENT);
    let risen = (elapsed.as_micros() * rise).checked_div(whole.as_micros()).unwrap_or(rise);
    u8::try_from(risen.min(rise)).map_or(100, |risen| START_PERCENT + risen)
}

/// Where a slow start begins: enough to warm caches, too little to drown a cold endpoint.
pub(crate) const START_PERCENT: u8 = 10;

#[cfg(test)]
mod tests;
