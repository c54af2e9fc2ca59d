use super::*;

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

/// A table with sessions 1, 2, 3, that came one second after the other.
fn three() -> (Table<u8, u8>, Vec<Rc<u8>>) {
    let mut table = Table::default();
    let sessions: Vec<_> = (1..=3).map(Rc::new).collect();
    for session in &sessions {
        assert_eq!(table.insert(**session, session, at(u64::from(**session)), 3), None);
    }
    (table, sessions)
}

#[test]
fn the_one_that_was_silent_longest_goes() {
    let (mut table, _) = three();
    assert_eq!(table.touch(1, at(10)).as_deref(), Some(&1));
    assert_eq!(table.insert(4, &Rc::new(4), at(11), 3).as_deref(), Some(&2));
    assert_eq!(table.insert(5, &Rc::new(5), at(12), 3).as_deref(), Some(&3));
    assert_eq!(table.insert(6, &Rc::new(6), at(13), 3).as_deref(), Some(&1));
    assert_eq!(table.touch(1, at(14)), None);
    assert_eq!(table.by_age.len(), table.by_path.len());
}

#[test]
fn there_is_always_room_for_one() {
    let mut table = Table::default();
    assert_eq!(table.insert(1, &Rc::new(1), at(1), 0), None);
    assert_eq!(table.insert(2, &Rc::new(2), at(1), 0).as_deref(), Some(&1));
}

#[test]
fn a_session_that_has_ended_does_not_take_another_with_it() {
    let (mut table, sessions) = three();
    let again = Rc::new(9);
    assert_eq!(table.insert(2, &again, at(5), 3), None);
    table.remove(2, &sessions[1]);
    assert_eq!(table.touch(2, at(5)).as_deref(), Some(&9));
    table.remove(2, &again);
    assert_eq!(table.touch(2, at(5)), None);
    assert_eq!((table.by_age.len(), table.by_path.len()), (2, 2));
}
