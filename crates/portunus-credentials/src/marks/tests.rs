use portunus_filter::Slots;

use super::*;

#[test]
fn each_slot_has_its_own_number() {
    let mut slots = Slots::default();
    let (first, second) = (slots.take(), slots.take());
    let mut exchange = Exchange::default();
    assert_eq!(get(&exchange, "a", first), None);
    set(&mut exchange, "a", first, 3);
    set(&mut exchange, "a", second, 7);
    set(&mut exchange, "a", first, 4);
    assert_eq!(get(&exchange, "a", first), Some(4));
    assert_eq!(get(&exchange, "a", second), Some(7));
    assert_eq!(get(&exchange, "b", second), None);
    exchange.clear();
    assert_eq!(get(&exchange, "a", first), None);
}
