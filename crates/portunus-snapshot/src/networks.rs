//! A set of networks, looked up at the same cost however many there are.

use std::net::IpAddr;

use ipnet::IpNet;

/// A set of networks. IPv4-mapped IPv6 addresses count as IPv4.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// Merged ranges, sorted, without overlap.
    ranges: Vec<(IpAddr, IpAddr)>,
}

impl Networks {
    /// The set of these networks.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        let mut ranges: Vec<(IpAddr, IpAddr)> =
            networks.iter().map(|net| (net.network(), net.broadcast())).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let inside = next.0 <= kept.1 && next.0.is_ipv4() == kept.0.is_ipv4();
            if inside {
                kept.1 = kept.1.max(next.1);
            }
            inside
        });
        Self { ranges }
    }

    /// True when the address is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let after = self.ranges.partition_point(|(first, _)| *first <= address);
        let range = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        range.is_some_and(|(first, last)| first.is_ipv4() == address.is_ipv4() && address <= *last)
    }

    /// True for no network at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests;
