//! Endpoints, their shared state, and the balancing algorithms. Pure: time, randomness and the
//! request's key are passed in.
//!
//! An [`EndpointSet`] is built whenever endpoints change, off the data path. It sorts them into
//! tiers (own zone, other zones, backups) and builds one [`Balancer`] a tier. A worker calls
//! [`EndpointSet::pick`] for each request; it never locks, allocates or reads a clock. What
//! outlives sets and reloads is the [`EndpointState`] of each endpoint.
//!
//! An algorithm is one file here and one line in [`BALANCERS`]; the property tests of the registry
//! then hold for it too.

mod endpoint;
mod ewma;
mod hash;
mod key;
mod least_requests;
mod load;
mod maglev;
mod outlier;
mod p2c;
mod pick;
mod random;
mod registry;
mod round_robin;
mod sequence;
mod set;
mod shares;
mod slow_start;
mod state;
mod window;

#[cfg(test)]
mod fixture;

pub use endpoint::{Address, Endpoint};
pub use key::KeySource;
pub use outlier::{Ejection, Outcome, OutlierPlan};
pub use pick::{Balancer, PickCx, PickLocal, Tried};
pub use registry::{BALANCERS, BalanceSpec, BalancerFactory, BalancerPlan};
pub use set::EndpointSet;
pub use slow_start::ramp;
pub use state::{EndpointState, WeightOverride};
pub use window::{Totals, Window, WindowPlan};
