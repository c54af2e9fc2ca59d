use super::*;

#[test]
fn only_known_tokens_are_answered() {
    let challenges = HttpChallenges::default();
    challenges.set("abc", "abc.key");
    let answer = |path: &str| challenges.answer(path.as_bytes());
    assert_eq!(answer("/.well-known/acme-challenge/abc").as_deref(), Some("abc.key"));
    assert_eq!(answer("/.well-known/acme-challenge/abd"), None);
    assert_eq!(answer("/.well-known/acme-challenge/"), None);
    assert_eq!(answer("/abc"), None);
    challenges.remove("abc");
    assert_eq!(answer("/.well-known/acme-challenge/abc"), None);
}
