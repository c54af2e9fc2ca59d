use super::*;

#[test]
fn phrases_are_sorted_and_found() {
    assert!(PHRASES.is_sorted_by_key(|(code, _)| *code));
    assert_eq!(reason_phrase(404), "Not Found");
    assert_eq!(reason_phrase(599), "");
}
