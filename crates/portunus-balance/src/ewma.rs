//! `ewma`: two endpoints at random, and the one that should answer first.

use portunus_base::Mono;

use crate::endpoint::Endpoint;
use crate::load::{cheaper, load};
use crate::pick::{Balancer, PickCx};
use crate::registry::Keyless;
use crate::shares::Shares;

/// Peak EWMA of the latency times the requests in flight, as in Twitter's Finagle: an endpoint that
/// slows down loses its traffic with the first slow answer, before a queue builds up.
#[derive(Debug)]
pub(crate) struct Ewma {
    shares: Shares,
}

impl Ewma {
    pub(crate) fn build(tier: &[Endpoint]) -> Self {
        Self { shares: Shares::build(tier) }
    }
}

impl Balancer for Ewma {
    fn pick(&self, tier: &[Endpoint], cx: &mut PickCx<'_>) -> Option<usize> {
        let first = self.shares.draw(tier, cx)?;
        let second = self.shares.draw_other(tier, first, cx);
        let now = cx.now;
        Some(cheaper(tier, first, second, |endpoint| cost(endpoint, now)))
    }
}

/// Expected latency in microseconds for each unit of weight. Idle and never measured costs nothing:
/// it gets its first request. While that one runs, the endpoint counts as slow, so that not all go
/// there at once.
fn cost(endpoint: &Endpoint, now: Mono) -> f64 {
    match endpoint.state.latency_us(now) {
        0.0 => load(endpoint) * UNPROVEN_US,
        latency_us => latency_us * (f64::from(endpoint.state.in_flight()) + 1.0) / endpoint.share(),
    }
}

/// Latency that an endpoint without a sample is taken to have.
const UNPROVEN_US: f64 = 1_000_000.0;

/// The entry of the registry.
pub(crate) static FACTORY: Keyless = Keyless {
    name: "ewma",
    doc: "Two endpoints at random, and the one that should answer first, by its recent \
          latency and its requests in flight.",
    build: |tier| Box::new(Ewma::build(tier)),
};

#[cfg(test)]
mod tests;
