//! The endpoints of one upstream, in tiers, with a balancer for each tier.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use portunus_base::Mono;

use crate::endpoint::Endpoint;
use crate::outlier::{Ejection, OutlierPlan};
use crate::pick::{Balancer, PickCx, Reach};
use crate::registry::BalancerPlan;

/// The endpoints of one upstream at one moment. Built off the data path when they change;
/// immutable but for two flags.
#[derive(Debug)]
pub struct EndpointSet {
    endpoints: Vec<Endpoint>,
    tiers: Vec<Tier>,
    generation: u64,
    /// Somebody decides on an ejection.
    deciding: AtomicBool,
    /// Ejections are not heeded.
    panicking: AtomicBool,
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
        let (deciding, panicking) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { endpoints, tiers, generation, deciding, panicking }
    }

    /// The index of the endpoint for the next request; `None` when there is none to try.
    ///
    /// The first tier with a usable endpoint that was not tried gives it. Where there is none: one
    /// that was tried and is usable; then, rather than no answer, one that is ejected, and at last one that could
    /// not be connected to just now (but none that an active check found down or that is drained). While too few
    /// are usable (see [`EndpointSet::review`]), ejected ones are as good as others from the start.
    pub fn pick(&self, cx: &mut PickCx<'_>) -> Option<usize> {
        let skipped = if self.panicking.load(Ordering::Relaxed) { HEEDING } else { 0 };
        for &reach in REACHES.iter().skip(skipped) {
            // One that will soon have room is better than one that is out.
            if cx.is_full() && !reach.tried {
                return None;
            }
            cx.reach = reach;
            let mut tiers = self.tiers.iter();
            let picked = tiers.find_map(|tier| {
                let endpoints = self.endpoints.get(tier.range.clone())?;
                Some(tier.range.start + tier.balancer.pick(endpoints, cx)?)
            });
            if picked.is_some() {
                return picked;
            }
        }
        None
    }

    /// True when the endpoint with this index may go on with a client that was there before. One that is drained or
    /// has no weight takes no new clients, and keeps its own.
    #[must_use]
    pub fn keeps(&self, index: usize, now: Mono) -> bool {
        let Some(state) = self.endpoints.get(index).map(|endpoint| &endpoint.state) else {
            return false;
        };
        let out = state.is_ejected(now) && !self.panicking.load(Ordering::Relaxed);
        !(out || state.active_down() || state.is_resting(now))
    }

    /// Ejects an endpoint for its results, unless as many as may be are out already. True when it is out by this.
    ///
    /// One decides at a time, so that the bound holds whatever workers do at once. Whoever finds somebody deciding
    /// leaves it: the next bad result asks again.
    pub fn eject(&self, index: usize, why: Ejection, plan: &OutlierPlan, now: Mono) -> bool {
        let free = self.deciding.compare_exchange(
            false,
            true,
            // Acquire and release: what the one before has ejected is seen.
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        if free.is_err() {
            return false;
        }
        let count = |ejected: &&Endpoint| ejected.state.is_ejected(now);
        let out = self.endpoints.iter().filter(count).count();
        let room = out < plan.ejected_max(self.endpoints.len());
        let endpoint = self.endpoints.get(index).filter(|endpoint| !endpoint.state.is_ejected(now));
        let ejected = endpoint.filter(|_| room);
        if let Some(endpoint) = ejected {
            endpoint.state.eject(why, plan, now);
        }
        self.deciding.store(false, Ordering::Release);
        if ejected.is_some() {
            self.review(plan, now);
        }
        ejected.is_some()
    }

    /// Looks whether enough endpoints are usable to heed ejections. Those that the operator drains or that have no
    /// weight are not counted at all.
    pub fn review(&self, plan: &OutlierPlan, now: Mono) {
        let wanted = |endpoint: &&Endpoint| endpoint.weight > 0 && !endpoint.state.draining();
        let wanted = self.endpoints.iter().filter(wanted);
        let (usable, count) = wanted.fold((0, 0), |(usable, count), endpoint| {
            (usable + usize::from(endpoint.usable(now)), count + 1)
        });
        self.panicking.store(plan.panics(usable, count), Ordering::Relaxed);
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

const REACHES: [Reach; 6] = [
    Reach { ejected: false, resting: false, tried: false },
    Reach { ejected: false, resting: false, tried: true },
    Reach { ejected: true, resting: false, tried: false },
    Reach { ejected: true, resting: false, tried: true },
    Reach { ejected: true, resting: true, tried: false },
    Reach { ejected: true, resting: true, tried: true },
];

/// How many of them heed ejections.
const HEEDING: usize = 2;

#[cfg(test)]
mod tests;
