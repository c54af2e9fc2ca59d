//! Headers that belong to one connection and must not travel on (RFC 9110 section 7.6.1).

use crate::{HeaderId, HeaderIds, HeaderList, list_items};

/// Removes hop-by-hop headers and all that `Connection` names.
///
/// `Content-Length`, `Host` and the like are kept even when `Connection` names them: taking those away
/// would change how the next hop reads the message.
pub fn strip_hop_by_hop(headers: &mut HeaderList) {
    for slot in 0.. {
        let Some(name) = nth_connection_name(headers, slot) else { break };
        let mut copy = [0u8; NAME_MAX];
        let Some(copy) = copy.get_mut(..name.len()) else { continue };
        copy.copy_from_slice(name);
        if !is_end_to_end(HeaderId::of(copy)) {
            headers.remove(copy);
        }
    }
    headers.remove_ids(HOP_BY_HOP);
}

/// The names that `Connection` lists, in order.
pub fn connection_names(headers: &HeaderList) -> impl Iterator<Item = &[u8]> {
    headers.values_of(HeaderId::Connection).flat_map(list_items)
}

fn nth_connection_name(headers: &HeaderList, slot: usize) -> Option<&[u8]> {
    let plain = |name: &&[u8]| {
        !name.eq_ignore_ascii_case(b"keep-alive") && !name.eq_ignore_ascii_case(b"close")
    };
    connection_names(headers).filter(plain).nth(slot)
}

/// Headers that belong to one connection.
pub const HOP_BY_HOP: HeaderIds = HeaderIds::of(&[
    HeaderId::Connection,
    HeaderId::Http2Settings,
    HeaderId::KeepAlive,
    HeaderId::ProxyAuthenticate,
    HeaderId::ProxyAuthorization,
    HeaderId::ProxyConnection,
    HeaderId::Te,
    HeaderId::TransferEncoding,
    HeaderId::Upgrade,
]);

/// Headers that a client must not be able to take away by naming them in `Connection`.
fn is_end_to_end(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::Authorization
            | HeaderId::CacheControl
            | HeaderId::Connection
            | HeaderId::ContentLength
            | HeaderId::ContentType
            | HeaderId::Cookie
            | HeaderId::Forwarded
            | HeaderId::Host
            | HeaderId::Via
            | HeaderId::XForwardedFor
            | HeaderId::XForwardedHost
            | HeaderId::XForwardedProto
            | HeaderId::XRealIp
            | HeaderId::XRequestId
    )
}

/// Longer names in `Connection` are not looked up: no real header is that long.
const NAME_MAX: usize = 256;

#[cfg(test)]
mod tests;
