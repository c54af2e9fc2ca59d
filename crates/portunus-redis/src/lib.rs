//! Rate limits that several nodes share through Redis or Valkey.
//!
//! [`Shared`] is one Redis, as all workers see it. Each worker has one connection of its own to it, on its own runtime,
//! made when it is first asked and mended in the background. Every ask has a bound in time, and while Redis is away
//! an ask is refused at once: a worker never waits for a server that is not there.
//!
//! [`Shared::admit`] asks Redis for each decision: exact over all nodes, at the price of one round trip.
//! [`Leases`] take tokens ahead and spend them without asking. They err by no more than what they hold: with `batch`
//! tokens a lease, up to `batch` for each worker of each node, beyond the limit or below it.
//!
//! Redis never sees the key of a limit, such as an address or a token: keys are digests.

mod digest;
mod leases;
mod link;
mod options;
mod quota;
mod script;
mod shared;
mod stream;
mod tally;

pub use leases::{Leased, Leases};
pub use options::{RedisOptions, RedisOptionsError};
pub use quota::{SharedQuota, SharedQuotaError};
pub use script::{Admission, Answer, SharedSpan};
pub use shared::{Ask, Shared, SharedError};
pub use tally::SharedTally;

#[cfg(test)]
mod tests;
