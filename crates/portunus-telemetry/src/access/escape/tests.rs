use proptest::prelude::*;

use super::{json, line, word};

fn written(escape: fn(&[u8], &mut Vec<u8>), bytes: &[u8]) -> String {
    let mut out = Vec::new();
    escape(bytes, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_escapes_what_it_must() {
    let check = |bytes: &[u8], expected| assert_eq!(written(json, bytes), expected);
    check(b"plain /path?x=1", "plain /path?x=1");
    check("Grüße €".as_bytes(), "Grüße €");
    check(b"a\"b\\c\r\n\t\0d", "a\\\"b\\\\c\\u000d\\u000a\\u0009\\u0000d");
    check(b"x\x7f\xc2\x85y", "x\\u007f\\u0085y");
    check(b"\xff\xc3(\xe2\x82", "\\u00ff\\u00c3(\\u00e2\\u0082");
}

#[test]
fn lines_escape_what_they_must() {
    assert_eq!(written(line, b"a b\"c\\d\r\n\x1b\xff"), "a b\\\"c\\\\d\\x0d\\x0a\\x1b\\xff");
    assert_eq!(written(word, b"a b"), "a\\x20b");
}

proptest! {
    #[test]
    fn json_reads_back_as_the_text(text: String) {
        let quoted = format!("\"{}\"", written(json, text.as_bytes()));
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }

    #[test]
    fn json_is_valid_for_any_bytes(bytes: Vec<u8>) {
        let quoted = format!("\"{}\"", written(json, &bytes));
        prop_assert!(serde_json::from_str::<String>(&quoted).is_ok());
    }

    #[test]
    fn lines_stay_printable_and_quotes_stay_closed(bytes: Vec<u8>) {
        let text = written(line, &bytes);
        prop_assert!(text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        let unescaped = text.replace("\\\\", "").replace("\\\"", "");
        prop_assert!(!unescaped.contains('"'));
    }
}
