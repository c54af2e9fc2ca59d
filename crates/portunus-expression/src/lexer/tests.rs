use super::*;

fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = tokens(text).unwrap().into_iter().map(|token| token.word).collect();
    assert_eq!(words.pop(), Some(Word::End));
    words
}

#[test]
fn numbers() {
    let word = |text: &str| words(text).remove(0);
    assert_eq!(word("0x1F"), Word::Int(31));
    assert_eq!(word("12u"), Word::Uint(12));
    assert_eq!(word("0xFFu"), Word::Uint(255));
    assert_eq!(word("1.5e3"), Word::Double(1500.0));
    assert_eq!(word("1e-2"), Word::Double(0.01));
    assert_eq!(word(".5"), Word::Double(0.5));
    assert_eq!(word("18446744073709551615u"), Word::Uint(u64::MAX));
    for wrong in ["12abc", "0x", "18446744073709551616", "1e999"] {
        assert!(tokens(wrong).unwrap_err().message.contains("not a number"), "{wrong}");
    }
    assert_eq!(words("1.a"), [Word::Int(1), Word::Sign("."), Word::Name("a".into())]);
}

#[test]
fn texts() {
    let text = |text: &str| match words(text).as_slice() {
        [Word::Text(text)] => text.to_string(),
        other => panic!("{other:?}"),
    };
    for (written, meant) in [
        (r#""a'b""#, "a'b"),
        (r#"'a"b'"#, "a\"b"),
        (r#"'a\n\t\\\'\x41\u00e9\U0001F600\101'"#, "a\n\t\\'A\u{e9}\u{1f600}A"),
        (r#"r"\d+""#, r"\d+"),
        ("'''a\n'b''c'''", "a\n'b''c"),
        (r#""""x"y""""#, "x\"y"),
        ("''", ""),
        ("'é'", "é"),
    ] {
        assert_eq!(text(written), meant, "{written}");
    }
    assert_eq!(words(r"b'\xff\377a'"), [Word::Bytes([255, 255, b'a'].into())]);
    assert_eq!(words(r"rb'\x'"), [Word::Bytes(b"\\x"[..].into())]);
    for wrong in ["'a", "'a\n'", r"'\q'", r"'\ud800'", r"'\x4'", r"b'\u0041'", "'''a''"] {
        assert!(tokens(wrong).is_err(), "{wrong}");
    }
    assert_eq!(words("b == r"), [Word::Name("b".into()), Word::Sign("=="), Word::Name("r".into())]);
}

#[test]
fn places_and_comments() {
    let found = tokens("a // b\n  .`c-d` && !e").unwrap();
    let shown: Vec<(u32, u32)> = found.iter().map(|it| (it.span.start, it.span.end)).collect();
    assert_eq!(shown, [(0, 1), (9, 10), (10, 15), (16, 18), (19, 20), (20, 21), (21, 21)]);
    assert_eq!(tokens("a # b").unwrap_err().at, 2);
    assert_eq!(tokens("a = b").unwrap_err().help.unwrap(), "write `==` to compare");
    assert!(tokens("a.`b").is_err());
}
