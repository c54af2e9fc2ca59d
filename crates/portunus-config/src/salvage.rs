//! What is left of a configuration with mistakes, so that more of them are found at once.
//!
//! A lenient reader leaves out what it cannot read. Here is known where, so that a gap is not taken
//! for another mistake. What is salvaged never serves.

use ipnet::IpNet;
use portunus_spec::{Diagnostics, Spanned};

use crate::spec::{RouteSpec, TargetSpec, ToSpec};
use crate::{Cidr, ConfigSpec};

/// The places that could not be read.
#[derive(Clone, Copy)]
pub(crate) struct Gaps<'d>(&'d Diagnostics);

impl<'d> Gaps<'d> {
    /// From what a lenient reader found, before any other rule was checked.
    pub(crate) const fn new(found: &'d Diagnostics) -> Self {
        Self(found)
    }

    /// Whether a struct lacks one of these keys only because it could not be read.
    pub(crate) fn hide(self, path: &str, keys: &[&str]) -> bool {
        // A key that nobody knows may have been meant as any of them.
        self.0.has_errors_at(path) || keys.iter().any(|key| self.are_in(&format!("{path}.{key}")))
    }

    /// Whether a name is missing in a map of the top level only because it could not be read.
    pub(crate) fn hide_name(self, map: &str, name: &str, is_empty: bool) -> bool {
        is_empty && self.0.has_errors_at(map) || self.are_in(&format!("{map}.{name}"))
    }

    /// Puts stand-ins where a compiler would take a gap for a mistake. `None` where so much is
    /// missing that it could only guess.
    pub(crate) fn fill(self, mut spec: ConfigSpec) -> Option<ConfigSpec> {
        // Without their names every use of a chain or an upstream would seem to be wrong.
        let lost = |map: &str, is_empty: bool| is_empty && self.0.has_errors_at(map);
        if lost("filters", spec.filters.is_empty()) || lost("upstreams", spec.upstreams.is_empty())
        {
            return None;
        }
        if spec.trusted_proxies.is_empty() && self.are_in("trusted_proxies") {
            spec.trusted_proxies.push(Spanned::none(Cidr(IpNet::default())));
        }
        for (host, rules) in &mut spec.hosts.0 {
            for (path, rules) in &mut rules.routes.0 {
                for (index, route) in rules.rules.iter_mut().enumerate() {
                    let place = format!("hosts.{}.routes.{}", host.value, path.value);
                    self.fill_route(&place, index, path.span, route);
                }
            }
        }
        Some(spec)
    }
}
