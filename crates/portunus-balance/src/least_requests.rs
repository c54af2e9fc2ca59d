//! `least_requests`: the endpoint with the fewest requests in flight for its weight.

use crate::endpoint::Endpoint;
use crate::load::load;
use crate::pick::{Balancer, PickCx};
use crate::registry::Keyless;
use crate::sequence::Sequence;

/// Looks at all endpoints of the tier: exact, and linear in their number (`p2c` looks at two).
#[derive(Debug)]
pub(crate) struct LeastRequests {
    sequence: Sequence,
}

impl LeastRequests {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        Self { sequence: Sequence::build(tier) }
    }
}

impl Balancer for LeastRequests {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        // Of equals the first from `start` on is taken; the rotation moves `start` by the weights.
        let cursor = cx.local.cursor(cx.rng).checked_rem(self.sequence.round())?;
        let start = self.sequence.at(cursor)?;
        let indexes = (start..tier.len()).chain(0..start);
        let mut best: Option<(usize, f64)> = None;
        for index in indexes {
            let Some(endpoint) = tier.get(index).filter(|endpoint| cx.accepts(endpoint)) else {
                continue;
            };
            let load = load(endpoint);
            if best.is_none_or(|(_, least)| load < least) {
                best = Some((index, load));
            }
        }
        let (index, _) = best?;
        cx.local.set_cursor(cursor + 1);
        Some(index)
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: Keyless = Keyless {
    name: "least_requests",
    doc: "The endpoint with the fewest requests in flight for its weight. For requests of \
          uneven cost; looks at every endpoint.",
    build: |tier| Box::new(LeastRequests::build(tier)),
};

#[cfg(test)]
mod tests;
