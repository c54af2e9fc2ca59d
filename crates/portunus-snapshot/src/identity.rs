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
mod tests {
    use super::*;

    fn found(name: &str, values: &[&str]) -> String {
        let mut headers = HeaderList::default();
        for value in values {
            headers.append(name.as_bytes(), value.as_bytes());
        }
        let trusted = Networks::new(&["10.0.0.0/8".parse().unwrap()]);
        identify("10.0.0.1".parse().unwrap(), &headers, &trusted).ip.to_string()
    }

    #[test]
    fn the_client_is_picked_from_the_right_end() {
        let xff = "X-Forwarded-For";
        for (values, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            (&["6.6.6.6, 192.0.2.1, 10.0.0.9"], "192.0.2.1"),
            (&["6.6.6.6", "192.0.2.1", "10.0.0.9:4711"], "192.0.2.1"),
            (&["6.6.6.6, garbage, 10.0.0.9"], "10.0.0.9"),
            (&["10.1.1.1, 10.0.0.9"], "10.1.1.1"),
            (&["[2001:db8::1]:80"], "2001:db8::1"),
            (&["::ffff:192.0.2.7"], "192.0.2.7"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(found(xff, values), expected, "{values:?}");
        }
        let forwarded = "for=6.6.6.6, for=\"[2001:db8::2]:99\";proto=https, for=10.2.2.2";
        assert_eq!(found("Forwarded", &[forwarded]), "2001:db8::2");
        assert_eq!(found("Forwarded", &["for=_hidden"]), "10.0.0.1");
    }

    #[test]
    fn more_hops_than_are_looked_through_change_nothing_to_the_right() {
        let many = vec!["10.0.0.2"; 100].join(", ");
        assert_eq!(found("X-Forwarded-For", &[&format!("6.6.6.6, {many}")]), "10.0.0.2");
    }
}
