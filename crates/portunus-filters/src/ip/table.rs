//! Prefixes as sorted ranges: a lookup is one binary search, however many prefixes there are.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

/// What happens to a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    Allow,
    Deny,
}

/// Which addresses are let in.
#[derive(Debug)]
pub(super) struct AddressTable {
    v4: Ranges,
    v6: Ranges,
}

impl AddressTable {
    /// The table of some prefixes; `rest` is for addresses in none of them.
    pub(super) fn new(rules: &[(IpNet, Access)], rest: Access) -> Self {
        let of = |v4: bool| rules.iter().filter(move |(net, _)| net.addr().is_ipv4() == v4);
        Self { v4: Ranges::new(of(true), rest), v6: Ranges::new(of(false), rest) }
    }

    /// What the most specific prefix says.
    pub(super) fn access(&self, ip: IpAddr) -> Access {
        match ip.to_canonical() {
            IpAddr::V4(v4) => self.v4.access(u128::from(v4.to_bits())),
            IpAddr::V6(v6) => self.v6.access(v6.to_bits()),
        }
    }
}

/// An IPv4 prefix that is written as IPv6 becomes IPv4, as addresses of clients do.
pub(super) fn unified(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let mapped = v6.addr().to_ipv4_mapped();
    let len = v6.prefix_len().checked_sub(96);
    let v4 = mapped.zip(len).and_then(|(addr, len): (Ipv4Addr, u8)| Ipv4Net::new(addr, len).ok());
    v4.map_or(net, IpNet::V4)
}

/// Where what holds changes, by rising address; the first is address 0.
#[derive(Debug)]
struct Ranges(Box<[(u128, Access)]>);

impl Ranges {
    fn new<'a>(rules: impl Iterator<Item = &'a (IpNet, Access)>, rest: Access) -> Self {
        let mut rules: Vec<_> = rules.map(|(net, access)| (bounds(net), *access)).collect();
        // Wider prefixes come before those within them.
        rules.sort_by_key(|((first, last), _)| (*first, std::cmp::Reverse(*last)));
        let mut changes = vec![(0, rest)];
        // Prefixes that are not over yet, the innermost last.
        let mut open: Vec<(u128, Access)> = Vec::new();
        for ((first, last), access) in rules {
            close(&mut open, &mut changes, Some(first), rest);
            push(&mut changes, first, access);
            open.push((last, access));
        }
        close(&mut open, &mut changes, None, rest);
        changes.dedup_by_key(|(_, access)| *access);
        Self(changes.into_boxed_slice())
    }

    fn access(&self, address: u128) -> Access {
        let after = self.0.partition_point(|(first, _)| *first <= address);
        let change = after.checked_sub(1).and_then(|at| self.0.get(at));
        change.map_or(Access::Deny, |(_, access)| *access)
    }
}

/// Ends the open prefixes that are over before `next`; all, when nothing follows.
fn close(
    open: &mut Vec<(u128, Access)>,
    changes: &mut Vec<(u128, Access)>,
    next: Option<u128>,
    rest: Access,
) {
    while let Some((last, _)) = open.pop_if(|(last, _)| next.is_none_or(|next| *last < next)) {
        let outer = open.last().map_or(rest, |(_, access)| *access);
        if let Some(after) = last.checked_add(1) {
            push(changes, after, outer);
        }
    }
}

/// From `first` on `access` holds.
fn push(changes: &mut Vec<(u128, Access)>, first: u128, access: Access) {
    changes.pop_if(|(known, _)| *known == first);
    changes.push((first, access));
}

fn bounds(net: &IpNet) -> (u128, u128) {
    match net {
        IpNet::V4(v4) => (v4.network().to_bits().into(), v4.broadcast().to_bits().into()),
        IpNet::V6(v6) => (v6.network().to_bits(), v6.broadcast().to_bits()),
    }
}
