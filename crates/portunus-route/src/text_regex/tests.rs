use super::*;

#[test]
fn the_whole_text_must_match() {
    let regex = TextRegex::parse("a|ab", 0).unwrap();
    assert!(regex.is_match(b"ab") && regex.is_match(b"a"));
    assert!(!regex.is_match(b"abc") && !regex.is_match(b"xa") && !regex.is_match(b"a\n"));
    assert!(TextRegex::parse("(?i)^chrome$", 0).unwrap().is_match(b"Chrome"));
    assert!(TextRegex::parse(".*", 0).unwrap().is_match(b"\xff\xfe"));
}

#[test]
fn groups_have_a_limit() {
    assert!(TextRegex::parse(&"(a)".repeat(GROUPS_MAX - 1), 0).is_ok());
    let error = TextRegex::parse(&"(a)".repeat(GROUPS_MAX), 7).unwrap_err();
    assert_eq!((error.at, error.message.as_str()), (7, "a regex with more than 31 groups"));
}

#[test]
fn equal_by_source() {
    let parse = |source| TextRegex::parse(source, 0).unwrap();
    assert_eq!(parse("a+"), parse("a+"));
    assert!(parse("a") < parse("b"));
    assert_eq!(parse("a+").to_string(), "~ a+");
}
