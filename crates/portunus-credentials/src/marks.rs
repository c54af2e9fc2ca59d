//! What a filter has to remember of one exchange between its hooks: a number under the filter's own slot, kept among
//! the exchange's attributes, as `slot=number` parted by spaces.

use std::fmt::Write as _;

use portunus_exchange::Exchange;
use portunus_filter::SlotId;

/// Remembers a number for the filter of that slot.
pub(crate) fn set(exchange: &mut Exchange, name: &'static str, slot: SlotId, number: usize) {
    let slot = slot.index();
    let others = all(exchange, name).filter(|(other, _)| *other != slot);
    let mut text = String::new();
    for (other, number) in others {
        let _ = write!(text, "{other}={number} ");
    }
    let _ = write!(text, "{slot}={number}");
    exchange.attributes.set(name, text.as_bytes());
}

/// The number that the filter of that slot remembered.
pub(crate) fn get(exchange: &Exchange, name: &str, slot: SlotId) -> Option<usize> {
    all(exchange, name).find(|(other, _)| *other == slot.index()).map(|(_, number)| number)
}

fn all(exchange: &Exchange, name: &str) -> impl Iterator<Item = (usize, usize)> {
    let text = exchange.attributes.value(name).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.unwrap_or_default().split(' ').filter_map(|mark| {
        let (slot, number) = mark.split_once('=')?;
        Some((slot.parse().ok()?, number.parse().ok()?))
    })
}

#[cfg(test)]
mod tests;
