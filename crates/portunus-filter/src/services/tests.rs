use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::States;

#[test]
fn a_state_lives_as_long_as_somebody_holds_it() {
    let states = States::default();
    let first: Arc<AtomicU32> = states.of("a", || AtomicU32::new(1));
    first.store(7, Ordering::Relaxed);
    let again: Arc<AtomicU32> = states.of("a", || AtomicU32::new(2));
    assert!(Arc::ptr_eq(&first, &again));
    drop((first, again));
    let anew: Arc<AtomicU32> = states.of("a", || AtomicU32::new(3));
    assert_eq!(anew.load(Ordering::Relaxed), 3);
}

#[test]
fn types_and_keys_tell_states_apart() {
    let states = States::default();
    let number = states.of("a", || 1_u32);
    let other = states.of("b", || 2_u32);
    let text = states.of("a", || "x".to_owned());
    assert_eq!((*number, *other, text.as_str()), (1, 2, "x"));
}
