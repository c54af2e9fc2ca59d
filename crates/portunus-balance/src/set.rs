//! The endpoints of one upstream, in tiers, with a balancer for each tier.

use std::ops::Range;

use crate::endpoint::Endpoint;
use crate::pick::{Balancer, PickCx, Reach};
use crate::registry::BalancerPlan;

/// The endpoints of one upstream at one moment. Built off the data path when they change;
/// immutable.
#[derive(Debug)]
pub struct EndpointSet {
    endpoints: Vec<Endpoint>,
    tiers: Vec<Tier>,
    generation: u64,
}

impl EndpointSet {
    /// Sorts the endpoints into tiers and builds the balancers.
    ///
    /// The tiers are: endpoints of our own zone (`zone`), those of other zones, backups. Within a
    /// tier the order is the given one. `generation` is the caller's, to tell sets apart.
    #[must_use]
    pub fn build(
        mut endpoints: Vec<Endpoint>,
        plan: &dyn BalancerPlan,
        zone: Option<&str>,
        generation: u64,
    ) -> Self {
        endpoints.sort_by_key(|endpoint| tier_rank(endpoint, zone));
        let mut tiers = Vec::new();
        let mut start = 0;
        for tier in endpoints.chunk_by(|a, b| tier_rank(a, zone) == tier_rank(b, zone)) {
            let range = start..start + tier.len();
            start = range.end;
            tiers.push(Tier { range, balancer: plan.build(tier) });
        }
        Self { endpoints, tiers, generation }
    }

    /// The index of the endpoint for the next request; `None` when there is none to try.
    ///
    /// The first tier with a usable endpoint that was not tried gives it. Where there is none: one
    /// that was tried and is usable; then, rather than no answer, one that is ejected (but neither
    /// found down by an active check nor drained).
    pub fn pick(&self, cx: &mut PickCx<'_>) -> Option<usize> {
        REACHES.iter().find_map(|&reach| {
            cx.reach = reach;
            self.tiers.iter().find_map(|tier| {
                let endpoints = self.endpoints.get(tier.range.clone())?;
                Some(tier.range.start + tier.balancer.pick(endpoints, cx)?)
            })
        })
    }

    /// All endpoints, by tier. [`EndpointSet::pick`] gives an index of this slice.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The caller's number for this set.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Endpoints that are balanced among themselves.
#[derive(Debug)]
struct Tier {
    range: Range<usize>,
    balancer: Box<dyn Balancer>,
}

fn tier_rank(endpoint: &Endpoint, zone: Option<&str>) -> u8 {
    match (endpoint.backup, zone) {
        (true, _) => 2,
        (false, Some(own)) if endpoint.zone.as_deref() != Some(own) => 1,
        (false, _) => 0,
    }
}

const REACHES: [Reach; 4] = [
    Reach { ejected: false, tried: false },
    Reach { ejected: false, tried: true },
    Reach { ejected: true, tried: false },
    Reach { ejected: true, tried: true },
];

#[cfg(test)]
mod tests;
