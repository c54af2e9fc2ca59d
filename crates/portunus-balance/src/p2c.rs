//! `p2c`: two endpoints at random, and the less busy of them ("power of two choices").

use crate::endpoint::Endpoint;
use crate::load::{cheaper, load};
use crate::pick::{Balancer, PickCx};
use crate::registry::Keyless;
use crate::shares::Shares;

/// Nearly as even as `least_requests` at a constant cost, and many proxies do not all run to the
/// one endpoint that is idle (M. Mitzenmacher, "The Power of Two Choices in Randomized Load
/// Balancing", 1996).
///
/// Samples are drawn by weight: uniform ones could give a heavy endpoint no more than two turns in
/// n.
#[derive(Debug)]
pub(crate) struct P2c {
    shares: Shares,
}

impl P2c {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        Self { shares: Shares::build(tier) }
    }
}

impl Balancer for P2c {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        let first = self.shares.draw(tier, cx)?;
        let second = self.shares.draw_other(tier, first, cx);
        Some(cheaper(tier, first, second, load))
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: Keyless = Keyless {
    name: "p2c",
    doc: "Two endpoints at random, and the less busy of them. Nearly as even as \
          least_requests at a constant cost.",
    build: |tier| Box::new(P2c::build(tier)),
};

#[cfg(test)]
mod tests;
