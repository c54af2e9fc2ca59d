//! A small fast generator for balancing and ids. Not for secrets.

/// The wyrand generator (Wang Yi, `wyhash` final version 4): 64 bits of state, one multiplication a number.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// A generator that always gives the same numbers for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator seeded from the operating system, through the standard library's hash keys.
    #[must_use]
    pub fn from_system() -> Self {
        use std::hash::{BuildHasher, Hasher};
        Self::seeded(std::collections::hash_map::RandomState::new().build_hasher().finish())
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0xa076_1d64_78bd_642f);
        let wide = u128::from(self.state) * u128::from(self.state ^ 0xe703_7ed1_a0b4_28db);
        (wide >> 64) as u64 ^ wide as u64
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.u64()) * bound as u128) >> 64) as usize
    }

    /// True for `share` of the calls, `share` in parts of 1.0.
    pub fn chance(&mut self, share: f64) -> bool {
        ((self.u64() >> 11) as f64) < share * (1u64 << 53) as f64
    }
}
