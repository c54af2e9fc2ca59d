//! Upstreams at run time: endpoint sets and their shared state, per-worker connection pools, and the client side of
//! HTTP/1.
//!
//! Control writes endpoint sets through [`StateStore`] and [`Upstream`]; workers follow them. What an endpoint is
//! going through (requests in flight, latency, failures) survives reloads, for it is kept by upstream and address.

mod client;
mod local;
mod pool;
mod store;
mod upstream;
pub mod wire;

pub use client::{ClientConn, Received, receive_head};
pub use local::{Picked, UpstreamLocal};
pub use pool::Pools;
pub use store::StateStore;
pub use upstream::{ServingSet, Upstream, UpstreamPlan};
