//! `hash`: the same key to the same endpoint, by a ring of hashes, with a bound on the load of
//! each.

use std::sync::Arc;

use portunus_base::hash_pair;
use portunus_spec::{Node, Problem, Reader, Shape, Spanned, Spec, check, spec};

use crate::endpoint::Endpoint;
use crate::key::KeySource;
use crate::pick::{Balancer, PickCx};
use crate::registry::{BalancerFactory, BalancerPlan};

/// Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, 2016).
///
/// Each endpoint has points on a ring by its address and weight; a key belongs to the next point.
/// An endpoint with more than `load` times its fair share in flight is passed over, so that one hot
/// key cannot drown it.
#[derive(Debug)]
pub(crate) struct Ring {
    /// (hash, index in the tier), sorted.
    points: Box<[(u64, u32)]>,
    load: f64,
}

impl Ring {
    /// `load` is a factor from 1.0.
    pub(crate) fn build(tier: &[Endpoint], load: f64) -> Self {
        let scale = POINTS_PER_ENDPOINT / f64::from(mean_weight(tier));
        let mut points: Vec<(u64, u32)> = Vec::new();
        for (index, endpoint) in (0u32..).zip(tier) {
            let identity = endpoint.identity();
            let count = (f64::from(endpoint.weight) * scale).ceil() as u64;
            points.extend((0..count).map(|point| (hash_pair(identity, point), index)));
        }
        points.sort_unstable();
        Self { points: points.into(), load: load.max(1.0) }
    }
}

impl Balancer for Ring {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        let key = cx.key_or_random();
        let at = self.points.partition_point(|&(hash, _)| hash < key);
        let (before, after) = self.points.split_at_checked(at)?;
        let mut bound = None;
        let mut first_accepted = None;
        for &(_, index) in after.iter().chain(before) {
            let index = index as usize;
            let Some(endpoint) = tier.get(index).filter(|endpoint| cx.accepts(endpoint)) else {
                // Nothing accepted at all must not cost a walk round the ring.
                if bound.get_or_insert_with(|| Bound::of(tier, cx, self.load)).weight == 0.0 {
                    return None;
                }
                continue;
            };
            let in_flight = endpoint.state.in_flight();
            // An idle endpoint is within any bound: the usual case needs no look at the others.
            if in_flight == 0
                || bound.get_or_insert_with(|| Bound::of(tier, cx, self.load)).admits(endpoint)
            {
                return Some(index);
            }
            first_accepted.get_or_insert(index);
        }
        // The bound leaves room for one more somewhere, unless other workers took it meanwhile.
        first_accepted
    }
}

spec! {
    /// The same key to the same endpoint, with a bound on the load of each.
    pub(crate) struct RingSpec {
        short = key;
        /// What requests have in common that go to the same endpoint: client_ip, path, or one of
        /// header, cookie and query with a name.
        key: KeySource = KeySource::ClientIp,
        /// An endpoint with more than this times its fair share of the requests in flight is
        /// passed over; at least 1.
        load: Spanned<f64> = Spanned::none(1.25),
    }
}

impl BalancerPlan for RingSpec {
    fn build(&self, tier: &[Endpoint]) -> Box<dyn Balancer> {
        Box::new(Ring::build(tier, self.load.value))
    }

    fn key(&self) -> Option<&KeySource> {
        Some(&self.key)
    }

    fn write(&self) -> Node {
        Spec::write(self)
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: RingFactory = RingFactory;

pub(crate) struct RingFactory;

impl BalancerFactory for RingFactory {
    fn name(&self) -> &'static str {
        "hash"
    }

    fn doc(&self) -> &'static str {
        "The same key to the same endpoint, by a ring of hashes; an overloaded endpoint is passed \
         over. For caches and sessions."
    }

    fn keyed(&self) -> bool {
        true
    }

    fn shape(&self) -> Shape {
        RingSpec::shape()
    }

    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn BalancerPlan>> {
        let spec = RingSpec::read(node, reader)?;
        let fine = check(&spec.load, reader, |&load| match load {
            1.0.. => Ok(()),
            _ => Err(Problem::new("no endpoint could take its fair share")
                .help("write a factor of at least 1, such as 1.25")),
        });
        fine.then(|| Arc::new(spec) as _)
    }
}

/// The load that an endpoint may have, from all accepted endpoints of the tier.
struct Bound {
    weight: f64,
    per_weight: f64,
}

impl Bound {
    fn of(tier: &[Endpoint], cx: &PickCx<'_>, factor: f64) -> Self {
        let accepted = tier.iter().filter(|endpoint| cx.accepts(endpoint));
        let (weight, in_flight) = accepted.fold((0.0, 0.0), |(weight, in_flight), endpoint| {
            let of_this = f64::from(endpoint.state.in_flight());
            (weight + f64::from(endpoint.weight), in_flight + of_this)
        });
        Self { weight, per_weight: factor * (in_flight + 1.0) / weight }
    }

    /// True when one more request keeps the endpoint within its bound.
    fn admits(&self, endpoint: &Endpoint) -> bool {
        let bound = (self.per_weight * f64::from(endpoint.weight)).ceil();
        f64::from(endpoint.state.in_flight()) < bound
    }
}

/// The mean weight, rounded down to a power of two: it sets how many points a unit of weight has,
/// and must not move with each endpoint that comes or goes, or the points of all others would
/// change too.
fn mean_weight(tier: &[Endpoint]) -> u32 {
    let total: u64 = tier.iter().map(|endpoint| u64::from(endpoint.weight)).sum();
    let mean = total.checked_div(tier.len() as u64).unwrap_or(0);
    1 << mean.checked_ilog2().unwrap_or(0)
}

/// Points of an endpoint of mean weight (up to twice as many). With 160 the shares are within about
/// 8 %.
const POINTS_PER_ENDPOINT: f64 = 160.0;

#[cfg(test)]
mod tests;
