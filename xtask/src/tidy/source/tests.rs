use super::{code_only, line_of, words};

/// What is left of the source, with runs of blanks as one.
fn check(source: &str, expected: &str) {
    let code = code_only(source);
    assert_eq!(code.len(), source.len(), "{source:?}");
    assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{source:?}");
}

#[test]
fn comments_go() {
    check("a // b { c\nd", "a d");
    check("a /* b /* { */ c */ d", "a d");
    check("/// fn x() {\nfn y();", "fn y();");
    check("a /* never closed", "a");
}

#[test]
fn strings_go() {
    check(r#"f("{ \" }", g)"#, "f( , g)");
    check(r##"f(r#"{ " }"#, g)"##, "f( , g)");
    check(r#"f(r"\", g)"#, "f( , g)");
    check(r#"f(b"{", c"{", br"{")"#, "f( , , )");
    check("f(\"never closed {", "f(");
}

#[test]
fn characters_go_and_lifetimes_stay() {
    check("f('{', '\\'', '\\u{7d}', '→', b'}')", "f( , , , , )");
    check("fn f<'a>(x: &'a str) -> &'static str {", "fn f<'a>(x: &'a str) -> &'static str {");
    check("'outer: loop { break 'outer; }", "'outer: loop { break 'outer; }");
}

#[test]
fn raw_names_and_words_that_end_like_a_prefix_stay() {
    check("r#fn(); bar!{}", "r#fn(); bar!{}");
    check("let number = br;", "let number = br;");
}

#[test]
fn lines_stay_in_place() {
    let source = "a\n/* b\nc */\nd \"e\nf\" g";
    assert_eq!(code_only(source).lines().count(), source.lines().count());
    assert_eq!(line_of(source, source.find('d').unwrap()), 4);
}

#[test]
fn words_are_found_whole() {
    assert_eq!(words("fn fns xfn fn", "fn").collect::<Vec<_>>(), [0, 11]);
}

#[test]
fn any_text_is_survived() {
    for text in ["'", "'\\", "b'", "r#", "r#\"", "/*", "\"\\", "'é", "é'é'", ""] {
        assert_eq!(code_only(text).len(), text.len(), "{text:?}");
    }
}
