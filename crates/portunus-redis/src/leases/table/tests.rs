use super::*;

#[test]
fn it_is_bounded_and_those_asked_for_stay() {
    let mut table = Table::default();
    let key = |number: u32| Digest::of(&number.to_le_bytes());
    table.lease(key(0)).waiting = 7;
    for number in 1..4 * GENERATION_MAX as u32 {
        table.lease(key(number));
        if number % 1000 == 0 {
            assert_eq!(table.lease(key(0)).waiting, 7);
        }
    }
    assert!(table.len() <= 2 * GENERATION_MAX);
    assert_eq!(table.lease(key(0)).waiting, 7);
    table.lease(key(1)).waiting = 1;
    assert_eq!(table.lease(key(1)).waiting, 1);
}
