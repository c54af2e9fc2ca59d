//! Draws endpoints at random, each with the probability of its weight.

use portunus_base::Rng;

use crate::endpoint::Endpoint;
use crate::pick::PickCx;

/// Running sums of the weights, computed once.
#[derive(Debug)]
pub(crate) struct Shares {
    sums: Box<[u64]>,
}

impl Shares {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        let running = |sum: &mut u64, endpoint: &Endpoint| {
            *sum += u64::from(endpoint.weight);
            Some(*sum)
        };
        Self { sums: tier.iter().scan(0, running).collect() }
    }

    /// An index by weight alone, whatever the state of the endpoint.
    fn any(&self, rng: &mut Rng) -> usize {
        let total = self.sums.last().copied().unwrap_or(0);
        let point = rng.below(total as usize) as u64;
        self.sums.partition_point(|&sum| sum <= point)
    }

    /// An accepted endpoint by weight. After [`DRAWS_MAX`] misses, the next accepted one of the
    /// list.
    pub(crate) fn draw(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        for _ in 0..DRAWS_MAX {
            let index = self.any(cx.rng);
            if tier.get(index).is_some_and(|endpoint| cx.draws(endpoint)) {
                return Some(index);
            }
        }
        let start = cx.rng.below(tier.len());
        cx.scan(tier, start)
    }

    /// A second accepted endpoint, other than `first`; `None` when a few draws find none.
    pub(crate) fn draw_other(
        &self,
        tier: &[Endpoint],
        first: usize,
        cx: &mut PickCx<'_>,
    ) -> Option<usize> {
        (0..DRAWS_MAX).find_map(|_| {
            let index = self.any(cx.rng);
            (index != first && cx.accepts(tier.get(index)?)).then_some(index)
        })
    }
}

/// Enough for a fair share where half of the weight is out: one draw in 256 then falls back to the
/// scan.
const DRAWS_MAX: usize = 8;
