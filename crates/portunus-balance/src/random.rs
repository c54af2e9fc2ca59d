//! `random`: any endpoint, with the probability of its weight. Keeps no state at all.

use crate::endpoint::Endpoint;
use crate::pick::{Balancer, PickCx};
use crate::registry::Keyless;
use crate::shares::Shares;

/// Weighted random choice.
#[derive(Debug)]
pub(crate) struct Random {
    shares: Shares,
}

impl Random {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        Self { shares: Shares::build(tier) }
    }
}

impl Balancer for Random {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        self.shares.draw(tier, cx)
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: Keyless = Keyless {
    name: "random",
    doc: "Any endpoint, with the probability of its weight. For very many endpoints, or \
          very many proxies before the same ones.",
    build: |tier| Box::new(Random::build(tier)),
};

#[cfg(test)]
mod tests;
