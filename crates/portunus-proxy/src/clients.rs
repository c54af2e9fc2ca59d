//! Connections of each client, over all workers and listeners.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use portunus_resilience::{Acquired, Concurrency, Permit, Seed};

/// Who has how many connections. Its memory is bounded: it is taken at the first use, and does not grow.
#[derive(Debug)]
pub(crate) struct Clients {
    seed: Seed,
    permits: OnceLock<Arc<Concurrency>>,
}

impl Default for Clients {
    fn default() -> Self {
        let state = RandomState::new();
        let seed = Seed(state.hash_one(1), state.hash_one(2));
        Self { seed, permits: OnceLock::new() }
    }
}

impl Clients {
    /// Counts one more connection of a client for as long as the permit lives; an error where that is one too many.
    /// Where the table has no room for the client, it is not counted.
    pub(crate) fn enter(&self, ip: IpAddr, max: u32) -> Result<Option<Permit>, Full> {
        let permits = self.permits.get_or_init(|| Arc::new(Concurrency::new(CLIENTS_MAX)));
        match permits.acquire(self.key(ip), max) {
            Acquired::Allowed(permit) => Ok(permit),
            Acquired::Refused => Err(Full),
        }
    }

    /// An IPv4 address is one client; of IPv6 it is the network, for each of its hosts has as many addresses as it
    /// likes (RFC 6177 section 2).
    fn key(&self, ip: IpAddr) -> u64 {
        match ip.to_canonical() {
            IpAddr::V4(v4) => self.seed.hash(&v4.octets()),
            IpAddr::V6(v6) => self.seed.hash(v6.octets().first_chunk::<8>().unwrap_or(&[0; 8])),
        }
    }
}

/// The client has as many connections as it may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

/// For how many clients at once there is room, at 32 bytes each.
const CLIENTS_MAX: usize = 100_000;

#[cfg(test)]
mod tests;
