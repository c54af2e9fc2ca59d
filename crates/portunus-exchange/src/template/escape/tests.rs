use super::*;

#[test]
fn values_cannot_leave_their_place() {
    for (content_type, expected) in [
        ("text/html; charset=utf-8", "kept <b>: a&#60;&#34;&#39;&#38;\\\n"),
        ("application/problem+json", "kept <b>: a<\\u0022'&\\u005c\\u000a"),
        ("image/svg+xml", "kept <b>: a&#60;&#34;&#39;&#38;\\\n"),
        ("application/x-www-form-urlencoded", "kept <b>: a%3C%22%27%26%5C%0A"),
        ("text/plain", "kept <b>: a<\"'&\\\n"),
    ] {
        let mut out = b"kept <b>: a<\"'&\\\n".to_vec();
        Escape::of_content_type(content_type).apply(10, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{content_type}");
    }
}
