use super::*;

#[test]
fn places_are_read_as_the_rfc_says() {
    let keys = |text: &str| -> Vec<String> {
        let pointer = Pointer::parse(text).unwrap();
        pointer.steps().iter().map(|step| step.key.to_string()).collect()
    };
    // RFC 6901 section 5.
    assert_eq!(keys(""), Vec::<String>::new());
    assert_eq!(keys("/foo/0"), ["foo", "0"]);
    assert_eq!(keys("/"), [""]);
    assert_eq!(keys("/a~1b"), ["a/b"]);
    assert_eq!(keys("/c%d/e^f/g|h/i\\j/k\"l/ "), ["c%d", "e^f", "g|h", "i\\j", "k\"l", " "]);
    assert_eq!(keys("/m~0n"), ["m~n"]);
    assert_eq!(keys("/~01"), ["~1"]);
}

#[test]
fn indexes_are_those_of_the_rfc() {
    for (text, elements) in [
        ("0", Elements::At(0)),
        ("17", Elements::At(17)),
        ("-", Elements::End),
        ("*", Elements::All),
        ("01", Elements::None),
        ("1e0", Elements::None),
        ("", Elements::None),
        ("99999999999999999999999", Elements::None),
    ] {
        assert_eq!(Elements::of(text), elements, "{text}");
    }
}

#[test]
fn what_is_no_place_is_told() {
    for text in ["a", "a/b", "/a~", "/a~2", "/~x"] {
        assert!(Pointer::parse(text).is_err(), "{text}");
    }
    assert!(Pointer::parse(&"/a".repeat(65)).is_err());
    assert!(Pointer::parse(&"/a".repeat(64)).is_ok());
}
