use super::*;

#[test]
fn near_words_are_found_and_far_ones_are_not() {
    let known = ["listeners", "hosts", "to", "use"];
    for (word, near) in [
        ("listners", Some("listeners")),
        ("hots", Some("hosts")),
        ("ot", Some("to")),
        ("xyz", None),
    ] {
        assert_eq!(nearest(word, known), near, "{word}");
    }
}
