//! One endpoint of an upstream: what the configuration says of it, and its shared state.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use portunus_base::{Mono, hash_bytes};

use crate::state::EndpointState;

/// One endpoint as a balancer and a pool see it. Immutable but for [`Endpoint::state`].
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where to connect.
    pub address: Address,
    /// As the user wrote it, for labels and logs.
    pub name: String,
    /// Value of `Host` when the client's is not kept.
    pub authority: String,
    /// Its part of the traffic, beside the weights of the others; 0 takes none.
    pub weight: u32,
    /// Where it runs; endpoints of our own zone come first.
    pub zone: Option<Arc<str>>,
    /// Used only when no other endpoint can be.
    pub backup: bool,
    /// Load and health. Outlives this value: the next set of endpoints shares it.
    pub state: Arc<EndpointState>,
}

impl Endpoint {
    /// True when it may take traffic at `now`.
    #[must_use]
    pub fn usable(&self, now: Mono) -> bool {
        self.weight > 0 && self.state.usable(now)
    }

    /// Its weight at this moment: less than [`Endpoint::weight`] during a slow start, never 0.
    pub(crate) fn share(&self) -> f64 {
        f64::from(self.weight.max(1)) * f64::from(self.state.weight_percent().max(1)) / 100.0
    }

    /// A number that names the endpoint on each node and in each run.
    pub(crate) fn identity(&self) -> u64 {
        hash_bytes(self.address.to_string().as_bytes())
    }
}

/// Where an endpoint listens.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}
