use super::*;
use crate::Slots;

#[test]
fn the_state_of_filters_that_are_gone_is_freed() {
    let (mut locals, mut slots) = (Locals::default(), Slots::default());
    let all: Vec<SlotId> = (0..6).map(|_| slots.take()).collect();
    for (at, slot) in all.iter().enumerate() {
        *locals.of::<usize>(*slot) = at + 1;
    }
    // Two places of the same filter, and one that took no slot.
    locals.retain(&LiveSlots::new(vec![3..4, 0..2, 3..4, 2..2]));
    assert_eq!(format!("{locals:?}"), "Locals(4 slots)", "what lies behind the last is given back");
    let left: Vec<usize> = all.iter().map(|slot| *locals.of::<usize>(*slot)).collect();
    assert_eq!(left, [1, 2, 0, 4, 0, 0], "made anew on demand");
    locals.retain(&LiveSlots::default());
    assert_eq!(format!("{locals:?}"), "Locals(0 slots)");
}
