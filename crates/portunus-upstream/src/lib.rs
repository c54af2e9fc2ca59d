//! Upstreams at run time: endpoint sets and their shared state, per-worker connection pools, and the client side of
//! HTTP/1 and HTTP/2 behind one seam, [`UpstreamStream`].
//!
//! Control writes endpoint sets through [`StateStore`] and [`Upstream`]; workers follow them. What an endpoint is
//! going through (requests in flight, latency, failures) survives reloads, for it is kept by upstream and address.

mod client;
mod counted;
mod dial;
mod h1;
mod h2;
mod local;
mod opening;
mod pool;
mod session;
mod sticky;
mod sticky_key;
mod store;
mod stream;
mod tunnel;
mod upstream;
pub mod wire;

pub use client::ClientConn;
pub use dial::{Dial, Opened};
pub use h1::H1Stream;
pub use h2::H2Stream;
pub use local::{Picked, Unpicked, UpstreamLocal};
pub use opening::{Opening, Pending};
pub use pool::{Found, Pools, Spoken};
pub use session::H2Session;
pub use sticky::{StickyMarks, StickyPlan};
pub use sticky_key::StickyKey;
pub use store::{LimitsNow, StateStore, UpstreamState};
pub use stream::{AnswerSource, RequestSink, Step, UpstreamStream};
pub use tunnel::{IoSink, IoSource, TunnelSink, TunnelSource};
pub use upstream::{ANY_ENDPOINT, HttpVersion, QueuePlan, ServingSet, Upstream, UpstreamPlan};
