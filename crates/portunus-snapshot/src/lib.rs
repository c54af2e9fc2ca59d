//! The immutable plan that workers follow, and [`Snapshot::decide`], the pure decision function.
//!
//! Built by portunus-compile alone; no interior mutability. An exchange keeps the snapshot that it began with.

mod admit;
mod identity;
mod listener;
mod networks;
mod route;
mod snapshot;

pub use admit::{AddressText, UPGRADE, admit};
pub use identity::{Identity, identify};
pub use listener::{ListenerPlan, ListenerTimeouts, ProxyProtocol};
pub use networks::Networks;
pub use route::{Destination, Mirror, RetryOn, RetryPlan, Route, RouteTimeouts, Split};
pub use snapshot::{Decision, Snapshot};
