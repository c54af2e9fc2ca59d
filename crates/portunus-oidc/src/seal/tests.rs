use proptest::prelude::*;

use super::*;

fn sealer(secrets: &[&str]) -> Sealer {
    Sealer::new(secrets.iter().map(|secret| secret.as_bytes()))
}

#[test]
fn only_the_same_purpose_and_secret_open_a_seal() {
    let one = sealer(&["one"]);
    let sealed = one.seal("session", b"anna");
    assert_eq!(one.open("session", sealed.as_bytes()).as_deref(), Some(b"anna".as_slice()));
    assert_eq!(one.open("login", sealed.as_bytes()), None);
    assert_eq!(sealer(&["two"]).open("session", sealed.as_bytes()), None);
    assert_ne!(one.seal("session", b"anna"), sealed, "no two seals are the same");
}

#[test]
fn keys_rotate() {
    let (before, during) = (sealer(&["old"]), sealer(&["new", "old"]));
    let old = before.seal("session", b"anna");
    assert!(during.open("session", old.as_bytes()).is_some());
    let new = during.seal("session", b"anna");
    assert!(before.open("session", new.as_bytes()).is_none(), "the first one seals");
    assert!(sealer(&["new"]).open("session", new.as_bytes()).is_some());
    assert!(sealer(&["new"]).open("session", old.as_bytes()).is_none());
}

#[test]
fn a_secret_is_never_shown() {
    assert_eq!(format!("{:?}", sealer(&["hush"])), "Sealer(1 keys)");
}

proptest! {
    #[test]
    fn one_changed_byte_breaks_a_seal(text in ".{0,60}", at in any::<prop::sample::Index>(), flip in 1u8..) {
        let sealer = sealer(&["secret"]);
        let mut sealed = sealer.seal("session", text.as_bytes()).into_bytes();
        prop_assert_eq!(sealer.open("session", &sealed), Some(text.as_bytes().to_vec()));
        let at = at.index(sealed.len());
        sealed[at] ^= flip;
        prop_assert_eq!(sealer.open("session", &sealed), None);
    }

    #[test]
    fn no_bytes_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(sealer(&["secret"]).open("session", &bytes), None);
    }
}
