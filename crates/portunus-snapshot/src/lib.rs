//! The immutable plan that workers follow, and [`Snapshot::decide`], the pure decision function.
//!
//! Built by portunus-compile alone; no interior mutability. An exchange keeps the snapshot that it began with.

mod admit;
mod challenges;
mod identity;
mod l4;
mod limits;
mod listener;
mod networks;
mod on_demand;
mod route;
mod snapshot;

pub use admit::{AddressText, UPGRADE, admit, is_misdirected, tell_certificate};
pub use challenges::HttpChallenges;
pub use identity::{Identity, identify};
pub use l4::{SniPlan, TcpPlan, UdpPlan};
pub use limits::ProcessLimits;
pub use listener::{
    H2Limits, ListenerPlan, ListenerTimeouts, Protocols, ProxyProtocol, RateFloors,
};
pub use networks::Networks;
pub use on_demand::{Asking, OnDemand};
pub use route::{Destination, GrpcCodes, Mirror, RetryOn, RetryPlan, Route, RouteTimeouts, Split};
pub use snapshot::{Decision, Miss, Snapshot};
