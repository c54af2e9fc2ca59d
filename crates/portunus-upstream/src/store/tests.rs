use super::*;

fn address(port: u16) -> Address {
    Address::Ip(([127, 0, 0, 1], port).into())
}

#[test]
fn state_is_shared_while_in_use_and_keys_are_used_again() {
    let store = StateStore::default();
    let (a, b) = (store.upstream("a"), store.upstream("b"));
    assert_eq!((a, store.upstream("a")), (store.upstream("a"), a));
    let first = store.endpoint(a, &address(1));
    let other = store.endpoint(b, &address(1));
    assert!(Arc::ptr_eq(&first, &store.endpoint(a, &address(1))));
    assert_ne!(first.key(), other.key());
    drop(first);
    let many = |port| store.endpoint(a, &address(port)).key();
    let largest = (1000..3000).map(many).max();
    assert!(largest < Some(2 * SWEEP_MIN as u32), "keys of the dead are used again: {largest:?}");
    assert_eq!(store.endpoint(b, &address(1)).key(), other.key());
}
