use super::*;

fn login(user: &str, password: &str) -> Login {
    Login { user: user.into(), password: password.as_bytes().into() }
}

fn tag(number: usize) -> Tag {
    Tag::of(&login("user", &number.to_string()), &PasswordHash::of_nobody())
}

#[test]
fn a_tag_is_that_of_one_login_and_one_hash() {
    let hash = PasswordHash::checked("hash");
    let one = Tag::of(&login("alice", "secret"), &hash);
    assert_eq!(one, Tag::of(&login("alice", "secret"), &hash));
    for (user, password, hash) in [
        ("bob", "secret", "hash"),
        ("alice", "Secret", "hash"),
        ("alice", "secret", "other"),
        ("alices", "ecret", "hash"),
        ("alice", "secreth", "ash"),
        ("", "alicesecret", "hash"),
    ] {
        let other = Tag::of(&login(user, password), &PasswordHash::checked(hash));
        assert_ne!(one, other, "{user} {password} {hash}");
    }
}

#[test]
fn a_login_is_remembered_for_a_while() {
    let mut verified = Verified::default();
    let start = Mono(1_000_000);
    verified.add(tag(1), start);
    assert!(verified.has(&tag(1), start) && !verified.has(&tag(2), start));
    assert!(verified.has(&tag(1), Mono(start.after(KEPT).0 - 1)));
    assert!(!verified.has(&tag(1), start.after(KEPT)));
    verified.add(tag(1), start.after(KEPT));
    verified.add(tag(2), start.after(KEPT).after(KEPT / 2));
    assert!(verified.has(&tag(1), start.after(KEPT).after(KEPT / 2)), "anew");
}

#[test]
fn the_oldest_goes_where_there_is_no_room() {
    let mut verified = Verified::default();
    for at in 0..COUNT_MAX + 10 {
        verified.add(tag(at), Mono(at as u64));
    }
    let now = Mono(COUNT_MAX as u64 + 10);
    assert!(!verified.has(&tag(9), now) && verified.has(&tag(10), now));
    assert_eq!((verified.ends.len(), verified.order.len()), (COUNT_MAX, COUNT_MAX));
    verified.add(tag(0), now.after(KEPT));
    assert_eq!((verified.ends.len(), verified.order.len()), (1, 1), "what has ended is forgotten");
}
