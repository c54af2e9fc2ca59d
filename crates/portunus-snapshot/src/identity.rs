//! Who the client is, when trusted proxies stand between (RFC 7239, and the X-Forwarded-* headers of the field).

use std::net::IpAddr;

use portunus_exchange::Scheme;
use portunus_http::{HeaderId, HeaderList, list_items};

use crate::Networks;

/// The client as trusted proxies describe it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Its address.
    pub ip: IpAddr,
    /// The scheme that it used, where a proxy tells.
    pub scheme: Option<Scheme>,
}

/// Reads the client from the headers that a trusted peer sent.
///
/// Addresses are taken from the right end: each hop that is trusted itself vouches for the one to its left. What is
/// no address ends the walk. `X-Forwarded-For` comes before `Forwarded`; a proxy that writes both writes the same.
#[must_use]
pub fn identify(peer: IpAddr, headers: &HeaderList, trusted: &Networks) -> Identity {
    let ip = if headers.has(HeaderId::XForwardedFor) {
        let hops = headers.values_of(HeaderId::XForwardedFor).flat_map(list_items);
        walk(peer, hops.map(parse_node), trusted)
    } else {
        let hops = headers.values_of(HeaderId::Forwarded).flat_map(list_items);
        walk(peer, hops.map(|hop| parse_node(parameter(hop, b"for")?)), trusted)
    };
    Identity { ip, scheme: scheme(headers) }
}

/// The leftmost address that is reached by trusted hops only.
fn walk(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &Networks) -> IpAddr {
    // Values come left to right and the walk goes right to left; only the last ones can matter.
    let mut last: [Option<IpAddr>; HOPS_MAX] = [None; HOPS_MAX];
    let mut count = 0usize;
    for hop in hops {
        if let Some(place) = last.get_mut(count % HOPS_MAX) {
            *place = hop;
        }
        count += 1;
    }
    let mut client = peer;
    for back in 1..=count.min(HOPS_MAX) {
        if !trusted.contains(client) {
            break;
        }
        match last.get((count - back) % HOPS_MAX).copied().flatten() {
            Some(hop) => client = hop,
            None => break,
        }
    }
    client
}

fn scheme(headers: &HeaderList) -> Option<Scheme> {
    let told = headers.value_of(HeaderId::XForwardedProto).or_else(|| {
        let hops = headers.values_of(HeaderId::Forwarded).flat_map(list_items);
        hops.last().and_then(|hop| parameter(hop, b"proto"))
    })?;
    match list_items(told).last()? {
        name if name.eq_ignore_ascii_case(b"https") => Some(Scheme::Https),
        name if name.eq_ignore_ascii_case(b"http") => Some(Scheme::Http),
        _ => None,
    }
}

/// One parameter of a `Forwarded` element, unquoted.
fn parameter<'a>(element: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut pairs = element.split(|byte| *byte == b';');
    pairs.find_map(|pair| {
        let eq = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = pair.split_at_checked(eq)?;
        let value = value.get(1..)?.trim_ascii();
        let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        found.trim_ascii().eq_ignore_ascii_case(name).then(|| inner.unwrap_or(value))
    })
}

/// An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_node(node: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(node).ok()?;
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    let v6 = text.strip_prefix('[')?.strip_suffix(']')?;
    v6.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Proxies in a row that are looked through.
const HOPS_MAX: usize = 16;

#[cfg(test)]
mod tests;
