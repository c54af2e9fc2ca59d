use super::*;

#[test]
fn every_id_has_a_bit_of_its_own() {
    assert!(HeaderId::all().count() < 128, "a u128 no longer holds every id");
    for id in HeaderId::all() {
        let set = HeaderIds::of(&[id]);
        let held: Vec<_> = HeaderId::all().filter(|other| set.has(*other)).collect();
        assert_eq!(held, [id]);
    }
}

#[test]
fn sets_meet_where_they_share_an_id() {
    let set = HeaderIds::of(&[HeaderId::Host, HeaderId::Via]);
    assert!(set.meets(HeaderIds::of(&[HeaderId::Via, HeaderId::Te])));
    assert!(!set.meets(HeaderIds::of(&[HeaderId::Te])));
    assert!(!set.meets(HeaderIds::NONE));
    assert!(set.or(HeaderIds::of(&[HeaderId::Te])).has(HeaderId::Te));
}
