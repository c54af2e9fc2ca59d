//! What is compared. The scenarios themselves are in `scenario/list.rs`.

use anyhow::{Context as _, Result};

use super::measure::Measure;
use super::peer::Peer;

mod list;

pub(super) use list::SCENARIOS;

/// One thing that is compared.
pub(super) struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    /// What happens, for the report.
    pub about: &'static str,
    /// What is asked for, and how long its body must be.
    pub path: &'static str,
    pub body_bytes: u64,
    pub connections: usize,
    /// What the proxies are configured to take.
    pub clients_max: usize,
    /// The first column is the one of the chart and of the ratios.
    pub columns: &'static [Column],
    /// Each proxy runs in each of them; more than one makes it a comparison of variants.
    pub variants: &'static [Variant],
    pub takes: fn(&Peer) -> bool,
    pub measure: Measure,
}

impl Scenario {
    /// What the chart and the ratios are about.
    pub(super) fn headline(&self) -> &'static str {
        self.columns.first().map_or("", |column| column.title)
    }

    /// The path that must work before anything is measured: of routes, the last one.
    pub(super) fn first_path(&self, variant: &Variant) -> String {
        match variant.routes.checked_sub(1) {
            Some(last) => format!("/r{last}{}", self.path),
            None => self.path.to_owned(),
        }
    }
}

/// One number that a round gives.
pub(super) struct Column {
    pub title: &'static str,
    pub decimals: usize,
}

impl Column {
    pub(super) fn shown(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals)
    }
}

/// One form of a proxy's configuration.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    pub name: &'static str,
    pub routes: usize,
    pub filters: usize,
    /// Clients come over TLS, with a P-256 certificate.
    pub tls: bool,
    /// Clients speak HTTP/2 with so many streams a connection; 0 for HTTP/1.1.
    pub streams: usize,
    /// The origin speaks HTTP/2 without TLS.
    pub h2_origin: bool,
    /// What is asked of requests.
    pub policy: Policy,
    /// The peer that stands between this one and the origin.
    pub before: Option<&'static str>,
    /// The only peer that has this variant.
    pub only: Option<&'static str>,
}

/// What a gateway asks of requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Policy {
    /// Nothing.
    None,
    /// A rate limit and changes of headers.
    Limits,
    /// A rate limit that is shared through Redis, in this mode.
    Shared(&'static str),
    /// As `Limits`, and a token (RS256); so many different ones come in turn.
    Tokens(usize),
}

impl Variant {
    /// HTTP/1.1 without TLS, routes or filters.
    pub(super) const PLAIN: Self = Self {
        name: "",
        routes: 0,
        filters: 0,
        tls: false,
        streams: 0,
        h2_origin: false,
        policy: Policy::None,
        before: None,
        only: None,
    };
    /// The same behind an edge, with a rate limit and changes of headers.
    pub(super) const LIMITS: Self = Self { policy: Policy::Limits, ..Self::PLAIN };
}

/// The scenario of that name.
pub(super) fn named(name: &str) -> Result<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name).with_context(|| {
        format!("there is no scenario {name}; `cargo xtask bench help` lists them")
    })
}

#[cfg(test)]
mod tests;
