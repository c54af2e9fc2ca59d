use portunus_exchange::Exchange;
use portunus_filter::Slots;

use super::{Memory, Seen};

#[test]
fn an_exchange_is_remembered_until_it_is_over() {
    let mut slots = Slots::default();
    let (mine, other) = (slots.take(), slots.take());
    let (mut memory, mut exchange) = (Memory::default(), Exchange::default());
    memory.remember(&mut exchange, mine, Seen { operation: 7, ..Seen::default() });
    assert_eq!(memory.recall(&exchange, mine, |seen| seen.operation), Some(7));
    assert_eq!(memory.recall(&exchange, other, |seen| seen.operation), None);
    memory.remember(&mut exchange, other, Seen::default());
    assert_eq!(memory.recall(&exchange, mine, |seen| seen.operation), Some(7));
    exchange.clear();
    assert_eq!(memory.recall(&exchange, mine, |seen| seen.operation), None);
    assert!(memory.seen.borrow().is_empty());
}
