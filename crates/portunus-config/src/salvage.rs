//! What is left of a configuration with mistakes, so that more of them are found at once.
//!
//! A lenient reader leaves out what it cannot read. Here is known where, so that a gap is not taken
//! for another mistake. What is salvaged never serves.

use ipnet::IpNet;
use portunus_base::Percent;
use portunus_spec::{Diagnostics, Named, Span, Spanned};

use crate::spec::{HostSpec, MirrorSpec, RouteSpec, RulesSpec, TargetSpec, ToSpec};
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
        let hide = |path: &str| {
            let key_is_there = |key: &&str| self.0.has_errors_in(&format!("{path}.{key}"));
            self.0.has_errors_at(path) || keys.iter().any(key_is_there)
        };
        // One that stands for a list of one is read under its path, the only one of a list is not.
        hide(path) || hide(&format!("{path}[0]"))
    }

    /// Whether anything at this path or below it could not be read.
    pub(crate) fn within(self, path: &str) -> bool {
        self.0.has_errors_in(path)
    }

    /// Whether a map of the top level lacks a name only because it could not be read.
    pub(crate) fn hide_name<T>(self, key: &str, map: &Named<T>, name: &str) -> bool {
        self.hide_all(key, map) || self.0.has_errors_in(&format!("{key}.{name}"))
    }

    /// Puts stand-ins where a compiler would take a gap for a mistake. `None` where so much is
    /// missing that it could only guess.
    pub(crate) fn fill(self, mut config: ConfigSpec) -> Option<ConfigSpec> {
        // Without their names every use of a chain or an upstream would seem to be wrong.
        if self.hide_all("filters", &config.filters)
            || self.hide_all("upstreams", &config.upstreams)
        {
            return None;
        }
        if config.trusted_proxies.is_empty() && self.0.has_errors_in("trusted_proxies") {
            config.trusted_proxies.push(Spanned::none(Cidr(IpNet::default())));
        }
        for (host, HostSpec { routes, .. }) in &mut config.hosts.0 {
            for (path, RulesSpec { rules }) in &mut routes.0 {
                let place = format!("hosts.{}.routes.{}", host.value, path.value);
                let single = rules.len() == 1;
                for (index, route) in rules.iter_mut().enumerate() {
                    let place = if single { &place } else { &format!("{place}[{index}]") };
                    self.fill_route(place, path.span, route);
                }
            }
        }
        Some(config)
    }

    fn fill_route(self, place: &str, span: Span, route: &mut RouteSpec) {
        let ends = [&route.redirect, &route.respond].into_iter().any(Option::is_some);
        if route.to.is_none() && !ends && self.hide(place, &["to", "use"]) {
            route.to = Some(Spanned::new(span, ToSpec::One(nowhere())));
        }
        // Nothing is made of a route with an unknown upstream, so that it is not compared with
        // others; its filters are still looked at.
        if self.hide(place, &["when", "methods"]) {
            let to = Spanned::new(span, nowhere());
            route.mirror = Some(MirrorSpec { to, share: Percent(1.0) });
        }
    }

    fn hide_all<T>(self, key: &str, map: &Named<T>) -> bool {
        map.is_empty() && self.0.has_errors_at(key)
    }
}

/// An upstream that is not there.
fn nowhere() -> TargetSpec {
    TargetSpec::Upstream(String::new())
}
