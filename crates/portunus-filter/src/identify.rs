//! Telling who asks: to the exchange, to the log, and to the upstream.

use std::sync::Arc;

use portunus_exchange::Exchange;
use portunus_http::{HeaderId, HeaderList, is_field_value};
use portunus_identity::Identity;
use smallvec::SmallVec;

/// Makes an identity that of the exchange. The upstream is told by headers, in place of what was told before; the
/// client's own copies of them are gone since the request was admitted.
pub fn identify(exchange: &mut Exchange, identity: Arc<Identity>) {
    let headers = &mut exchange.request.headers;
    let consumer = identity.consumer.as_deref();
    tell(headers, HeaderId::XConsumerId, consumer.map_or("", |it| &it.id).as_bytes());
    tell(headers, HeaderId::XConsumerUsername, consumer.map_or("", |it| &it.name).as_bytes());
    tell(headers, HeaderId::XCredentialIdentifier, identity.credential.as_bytes());
    let mut groups = SmallVec::<[u8; 128]>::new();
    let told = consumer.map_or(&[][..], |_| &identity.groups);
    for group in told.iter().filter(|group| is_item(group)) {
        if !groups.is_empty() {
            groups.extend_from_slice(b", ");
        }
        groups.extend_from_slice(group.as_bytes());
    }
    tell(headers, HeaderId::XConsumerGroups, &groups);
    exchange.attributes.set("user", identity.name().as_bytes());
    exchange.identity = Some(identity);
}

/// Whether a group can be told as one item of a list. One that cannot is left out alone: it must neither become two
/// groups nor hide the others.
fn is_item(group: &str) -> bool {
    let is_plain = !group.is_empty() && group.trim() == group && !group.contains(',');
    is_plain && is_field_value(group.as_bytes())
}

fn tell(headers: &mut HeaderList, id: HeaderId, value: &[u8]) {
    if value.is_empty() || !is_field_value(value) {
        headers.remove_id(id);
    } else {
        headers.set_id(id, value);
    }
}

#[cfg(test)]
mod tests;
