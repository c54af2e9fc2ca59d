//! `round_robin`: each endpoint in turn, heavier ones more often, spread evenly.

use crate::endpoint::Endpoint;
use crate::pick::{Balancer, PickCx};
use crate::registry::Keyless;
use crate::sequence::Sequence;

/// Smooth weighted round robin. Each worker has its own place in the rotation.
#[derive(Debug)]
pub(crate) struct RoundRobin {
    sequence: Sequence,
}

impl RoundRobin {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        Self { sequence: Sequence::build(tier) }
    }
}

impl Balancer for RoundRobin {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        let start = cx.local.cursor(cx.rng).checked_rem(self.sequence.round())?;
        let first = self.sequence.at(start)?;
        // Following the rotation gives the turns of an endpoint that is out to the others by their
        // weights.
        for step in 0..self.sequence.round().min(2 * tier.len() as u64) {
            let index = self.sequence.at(start + step)?;
            if tier.get(index).is_some_and(|endpoint| cx.draws(endpoint)) {
                cx.local.set_cursor(start + step + 1);
                return Some(index);
            }
        }
        let index = cx.scan(tier, first)?;
        cx.local.set_cursor(start + 1);
        Some(index)
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: Keyless = Keyless {
    name: "round_robin",
    doc: "Each endpoint in turn, heavier ones more often, spread evenly. For requests that \
          cost about the same.",
    build: |tier| Box::new(RoundRobin::build(tier)),
};

#[cfg(test)]
mod tests;
