use proptest::prelude::*;

use super::*;

#[test]
fn places_on_the_same_host_are_taken() {
    for text in ["/", "/a/b?c=d&e=%2F", "/a//b", "/?to=https://evil.test", "/@evil.test", "/a#b"] {
        assert_eq!(Target::parse(text.as_bytes()).unwrap().as_str(), text);
    }
    assert_eq!(Target::parse(b"/a?b#c").unwrap().path(), "/a");
}

#[test]
fn places_elsewhere_are_refused() {
    let long = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
    let elsewhere = [
        "",
        "a",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/a\\b",
        "https://evil.test/",
        "javascript:alert(1)",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        " //evil.test",
        "/a b",
        "/\r\nSet-Cookie: a=b",
        "/\u{7f}",
        "/\u{a0}",
        &long,
    ];
    for text in elsewhere {
        assert_eq!(Target::parse(text.as_bytes()), None, "{text:?}");
    }
}

proptest! {
    /// However it is written: after what a browser does to it first, it is a path that begins with one slash.
    #[test]
    fn no_text_leads_to_another_host(text in "[/\\\\\t\r\n a-z:?#@.%]{0,12}") {
        if let Some(target) = Target::parse(text.as_bytes()) {
            let seen = target.as_str().replace(['\t', '\r', '\n'], "").replace('\\', "/");
            prop_assert!(seen.starts_with('/') && !seen.starts_with("//"));
        }
    }
}
