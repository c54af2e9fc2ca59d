use super::*;

fn address(port: u16) -> Address {
    Address::Ip(([127, 0, 0, 1], port).into())
}

#[test]
fn state_is_shared_while_in_use_and_keys_are_used_again() {
    let store = StateStore::default();
    let (a, b) = (store.upstream("a"), store.upstream("b"));
    assert_eq!((a, store.upstream("a")), (store.upstream("a"), a));
    let first = store.endpoint(a, &address(1), "e");
    let other = store.endpoint(b, &address(1), "e");
    assert!(Arc::ptr_eq(&first, &store.endpoint(a, &address(1), "e")));
    assert_ne!(first.key(), other.key());
    drop(first);
    let many = |port| store.endpoint(a, &address(port), "e").key();
    let largest = (1000..3000).map(many).max();
    assert!(largest < Some(2 * SWEEP_MIN as u32), "keys of the dead are used again: {largest:?}");
    assert_eq!(store.endpoint(b, &address(1), "e").key(), other.key());
}

#[test]
fn two_names_of_one_address_are_two_endpoints() {
    let store = StateStore::default();
    let id = store.upstream("a");
    let [first, other] =
        ["127.0.0.1:1", "localhost:1"].map(|name| store.endpoint(id, &address(1), name));
    assert_ne!(first.key(), other.key());
    first.set_draining(true);
    assert!(!other.draining() && store.endpoint(id, &address(1), "127.0.0.1:1").draining());
}

#[test]
fn names_that_nobody_uses_are_forgotten_and_their_ids_used_again() {
    let store = StateStore::default();
    let kept = store.upstream("kept");
    let _kept = store.upstream_state(kept);
    let mut largest = kept;
    for round in 0..100 {
        store.forget_unused_upstreams();
        let ids = [0, 1].map(|number| store.upstream(&format!("of-{round}-{number}")));
        let _states = ids.map(|id| store.upstream_state(id));
        assert!(!ids.contains(&kept) && ids[0] != ids[1]);
        largest = largest.max(ids[0]).max(ids[1]);
        let endpoint = store.endpoint(ids[0], &address(1), "e");
        store.forget_unused_upstreams();
        assert_eq!(store.upstream(&format!("of-{round}-0")), ids[0], "it is in use");
        drop(endpoint);
    }
    assert!(largest <= UpstreamId(2), "{largest:?}");
    assert_eq!(store.upstream("kept"), kept);
}
