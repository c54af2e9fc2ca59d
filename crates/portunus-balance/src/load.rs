//! How busy an endpoint is, in proportion to its weight.

use crate::endpoint::Endpoint;

/// Requests in flight for each unit of weight if the endpoint took one more; 0 for an idle
/// endpoint, so that idle endpoints are equal and an idle small one comes before a busy large one.
pub(crate) fn load(endpoint: &Endpoint) -> f64 {
    match endpoint.state.in_flight() {
        0 => 0.0,
        in_flight => (f64::from(in_flight) + 1.0) / endpoint.share(),
    }
}

/// The better of two endpoints by `cost`; the first when they cost the same or the second does not
/// exist.
pub(crate) fn cheaper(
    tier: &[Endpoint],
    first: usize,
    second: Option<usize>,
    cost: impl Fn(&Endpoint) -> f64,
) -> usize {
    let of = |index: usize| tier.get(index).map_or(f64::INFINITY, &cost);
    second.filter(|&second| of(second) < of(first)).unwrap_or(first)
}
