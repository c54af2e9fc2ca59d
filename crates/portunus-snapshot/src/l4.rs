//! What goes to an upstream as it comes: TCP, TLS by the name that its client asks for, UDP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Destination;

/// Connections of TCP that go to an upstream as they come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TcpPlan {
    /// Where to.
    pub destination: Destination,
    /// Bound on connecting; None leaves it to the upstream's.
    pub connect_timeout: Option<Duration>,
    /// Without a byte in either direction.
    pub idle_timeout: Duration,
    /// In all.
    pub lifetime: Option<Duration>,
    /// Where HTTP is served on the same port: how long a client may be silent before it is taken for one whose
    /// server speaks first.
    pub sniff_timeout: Duration,
}

impl TcpPlan {
    /// A plan with default bounds.
    #[must_use]
    pub fn new(destination: Destination) -> Self {
        Self {
            destination,
            connect_timeout: None,
            idle_timeout: Duration::from_secs(3600),
            lifetime: None,
            sniff_timeout: Duration::from_millis(500),
        }
    }
}

/// Connections of TLS that go to upstreams by name, without ending TLS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SniPlan {
    exact: HashMap<Box<str>, Arc<TcpPlan>>,
    /// By suffix, without `*.`.
    wildcard: HashMap<Box<str>, Arc<TcpPlan>>,
    any: Option<Arc<TcpPlan>>,
}

impl SniPlan {
    /// A plan by patterns: a name, `*.` and a suffix for the names below it, or `*` for all others and for clients
    /// that ask for none.
    #[must_use]
    pub fn new<'n>(entries: impl IntoIterator<Item = (&'n str, Arc<TcpPlan>)>) -> Self {
        let mut plan = Self::default();
        for (pattern, to) in entries {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_prefix("*.") {
                _ if pattern == "*" => plan.any = Some(to),
                Some(suffix) => {
                    plan.wildcard.insert(suffix.into(), to);
                }
                None => {
                    plan.exact.insert(pattern.into(), to);
                }
            }
        }
        plan
    }

    /// Where the most specific pattern for a name leads; case does not matter.
    #[must_use]
    pub fn find(&self, name: Option<&str>) -> Option<&Arc<TcpPlan>> {
        let named = name.and_then(|name| self.named(&name.to_ascii_lowercase()));
        named.or(self.any.as_ref())
    }

    fn named(&self, name: &str) -> Option<&Arc<TcpPlan>> {
        let parent = |name: &str| name.find('.').map(|dot| dot + 1);
        let below = || {
            let mut suffix = name;
            while let Some(rest) = parent(suffix).and_then(|start| suffix.get(start..)) {
                suffix = rest;
                if let Some(to) = self.wildcard.get(suffix) {
                    return Some(to);
                }
            }
            None
        };
        self.exact.get(name).or_else(below)
    }

    /// Where connections can go.
    pub fn plans(&self) -> impl Iterator<Item = &Arc<TcpPlan>> {
        self.exact.values().chain(self.wildcard.values()).chain(&self.any)
    }
}

/// Packets of UDP that go to an upstream by sessions: all packets between one address and port of a client and ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UdpPlan {
    /// Where to.
    pub destination: Destination,
    /// How long a session lasts without a packet.
    pub idle_timeout: Duration,
    /// The most sessions of a worker; a new one beyond it takes the place of the one that was silent longest.
    pub sessions_max: usize,
}

#[cfg(test)]
mod tests;
