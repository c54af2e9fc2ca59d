//! Providers of endpoints, one module each, and their registry.
//!
//! A [`Provider`] is a future on the control runtime. It pushes whole sets of endpoints into a
//! [`Sink`] and is never asked for one: a request only sees what control made of the last set. When
//! its source fails, the last good set stays and the provider tries again after a growing wait; a
//! source that is missing at the start is an empty set and a logged error, never a failed start.
//!
//! What `endpoints:` lists goes through the same machinery: [`endpoint_list`] makes one provider of
//! addresses and host names.

mod dns;
mod list;
mod provider;
mod registry;
mod resolver;
mod watch;

#[cfg(test)]
mod fake_dns;

pub use list::{EndpointInput, Target, endpoint_list, fixed_endpoints};
pub use provider::{
    Discovered, DiscoveredSet, Feed, Provider, ProviderFuture, Sink, Stop, StopHandle,
};
pub use registry::{DiscoverSpec, PROVIDERS, ProviderFactory, ProviderPlan};
pub use resolver::{Family, ResolveOptions};
