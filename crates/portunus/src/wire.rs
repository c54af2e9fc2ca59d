//! The one place that names concrete registries. What is not listed here is not in the program.

use portunus_balance::{BALANCERS, BalancerFactory};
use portunus_compile::Registries;
use portunus_config::Env;
use portunus_control::World;
use portunus_discovery::{PROVIDERS, ProviderFactory};
use portunus_filter::Factory;

/// The filters of this program.
pub(crate) fn filters() -> &'static [Factory] {
    portunus_filters::FILTERS
}

/// The balancing algorithms of this program.
pub(crate) fn balancers() -> &'static [&'static dyn BalancerFactory] {
    BALANCERS
}

/// The discovery providers of this program.
pub(crate) fn providers() -> &'static [&'static dyn ProviderFactory] {
    PROVIDERS
}

/// What configurations are compiled with.
pub(crate) fn registries() -> Registries {
    Registries { filters: filters() }
}

/// A world to look at configurations in, without serving them.
pub(crate) fn world() -> World {
    World::new(VERSION, env(), registries())
}

/// The environment. Variables that are no text cannot stand in a configuration.
pub(crate) fn env() -> Env {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
