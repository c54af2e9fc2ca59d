use super::*;

#[test]
fn the_last_eight_attempts_are_remembered() {
    let mut tried = Tried::new();
    assert!(!tried.contains(0));
    (0..10).for_each(|key| tried.insert(key));
    assert_eq!(tried.count(), 10);
    assert!((2..10).all(|key| tried.contains(key)));
    assert!(!tried.contains(0) && !tried.contains(1));
}
