use super::*;

#[test]
fn small_bodies_are_kept_and_others_are_lost() {
    let replay = Replay::default();
    replay.hold().keep(b"abc");
    replay.hold().keep(b"");
    assert!(!replay.is_lost());
    assert_eq!(*replay.bytes.borrow(), b"abc");
    replay.hold().keep(&[0; KEPT_BYTES_MAX]);
    assert!(replay.is_lost());
    assert!(replay.bytes.borrow().is_empty());
    replay.hold().keep(b"d");
    assert!(replay.is_lost(), "what comes after a lost piece is no body");
}

#[test]
fn a_piece_that_got_stuck_is_lost() {
    let replay = Replay::default();
    let Held { .. } = replay.hold();
    assert!(replay.is_lost());
}
