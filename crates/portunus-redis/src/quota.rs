//! What a key may use, in the numbers that the script counts in.

use std::fmt;

use smallvec::SmallVec;

/// Rates that hold at once, compiled.
///
/// Debts are counted in parts of tokens that are small enough for the rate to be a whole number of parts per
/// microsecond. Where they would pass 2^50, which Lua's numbers still keep exactly, parts are larger and a token costs
/// up to one part more than it should: the rate is lower by less than a millionth, never higher. The burst is always
/// exact.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharedQuota {
    rates: SmallVec<[Parts; 2]>,
    batch: u32,
}

/// One rate, in parts of tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Parts {
    /// Parts that a token costs.
    pub(crate) cost: u64,
    /// Parts that heal in a microsecond.
    pub(crate) heal: u64,
    /// Parts that may be owed at once.
    pub(crate) room: u64,
}

/// Why rates make no quota.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SharedQuotaError {
    /// There is no rate, or more than eight.
    Rates,
    /// A count, a window or a burst is 0.
    Zero,
    /// A budget takes longer than 30 years to be whole again.
    TooLong,
}

impl SharedQuota {
    /// The quota of `rates`: tokens, microseconds in which as many come back, and how many may be taken at once.
    ///
    /// # Errors
    /// See [`SharedQuotaError`].
    pub fn new(rates: &[(u64, u64, u64)]) -> Result<Self, SharedQuotaError> {
        if rates.is_empty() || rates.len() > RATES_MAX {
            return Err(SharedQuotaError::Rates);
        }
        let parts =
            |&(count, period_us, burst): &(u64, u64, u64)| Parts::new(count, period_us, burst);
        let smallest = rates.iter().map(|(_, _, burst)| *burst).min().unwrap_or(1);
        let hundredth = u32::try_from(smallest / 100).unwrap_or(u32::MAX);
        Ok(Self {
            rates: rates.iter().map(parts).collect::<Result<_, _>>()?,
            batch: hundredth.clamp(1, BATCH_MAX),
        })
    }

    /// With leases of up to `batch` tokens; without this it is a hundredth of the smallest burst.
    #[must_use]
    pub fn with_batch(mut self, batch: u32) -> Self {
        let smallest = self.rates.iter().map(|rate| rate.room / rate.cost).min().unwrap_or(1);
        self.batch = batch.clamp(1, u32::try_from(smallest).unwrap_or(u32::MAX));
        self
    }

    /// The most tokens that a lease of one worker holds.
    #[must_use]
    pub fn batch(&self) -> u32 {
        self.batch
    }

    pub(crate) fn rates(&self) -> &[Parts] {
        &self.rates
    }
}

impl Parts {
    fn new(count: u64, period_us: u64, burst: u64) -> Result<Self, SharedQuotaError> {
        if count == 0 || period_us == 0 || burst == 0 {
            return Err(SharedQuotaError::Zero);
        }
        let common = gcd(count, period_us);
        let (mut heal, mut cost) = (count / common, period_us / common);
        if cost.checked_mul(burst).is_none_or(|room| room > ROOM_MAX) || heal > ROOM_MAX {
            let wanted = u128::from(ROOM_MAX / burst) * u128::from(count) / u128::from(period_us);
            heal = u64::try_from(wanted).unwrap_or(u64::MAX).clamp(1, ROOM_MAX);
            let whole = (u128::from(period_us) * u128::from(heal)).div_ceil(u128::from(count));
            cost = u64::try_from(whole).map_err(|_| SharedQuotaError::TooLong)?;
        }
        let room = cost.checked_mul(burst).filter(|room| *room <= 2 * ROOM_MAX);
        Ok(Self { cost, heal, room: room.ok_or(SharedQuotaError::TooLong)? })
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Display for SharedQuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rates => "a limit has one to eight rates",
            Self::Zero => "a rate allows at least one, in a window and at once",
            Self::TooLong => "a budget must be whole again within 30 years",
        })
    }
}

impl std::error::Error for SharedQuotaError {}

/// The script takes three arguments for each.
const RATES_MAX: usize = 8;
/// Twice the debt and some is below 2^53.
const ROOM_MAX: u64 = 1 << 50;
/// The most tokens of a lease that nobody chose.
const BATCH_MAX: u32 = 1000;

#[cfg(test)]
mod tests;
