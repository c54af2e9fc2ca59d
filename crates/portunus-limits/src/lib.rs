//! The filters that bound how much is asked for: `rate_limit`, `quota`, `concurrency`, `bandwidth`.
//!
//! They count in tables of [`portunus_resilience`], which all workers share without a lock and which outlive reloads.

mod answer;
mod bandwidth;
mod concurrency;
mod cost;
mod key;
mod meter;
mod quota;
mod rate_limit;
mod remote;
mod written;

pub use bandwidth::BandwidthSpec;
pub use concurrency::ConcurrencySpec;
pub use quota::{QuotaBook, QuotaFuture, QuotaPersistence, QuotaRow, QuotaSpec};
pub use rate_limit::RateLimitSpec;

#[cfg(test)]
mod tests;
