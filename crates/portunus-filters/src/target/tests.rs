use super::*;

#[test]
fn targets_are_parted_or_refused() {
    for (text, path, query) in [
        ("/", "/", None),
        ("/a/b?x=1?2", "/a/b", Some("x=1?2")),
        ("/a?", "/a", Some("")),
        ("/..a/.b/c...", "/..a/.b/c...", None),
        ("/a?../..", "/a", Some("../..")),
    ] {
        let target = parse(text.as_bytes()).unwrap();
        assert_eq!(
            (target.path, target.query),
            (path.as_bytes(), query.map(str::as_bytes)),
            "{text}"
        );
    }
    let refused = [
        "",
        "a",
        "?a",
        "*",
        "/a b",
        "/a\r\n",
        "/a#b",
        "/../a",
        "/a/.",
        "/%2e%2E/a",
        "/.%2e",
        "/a?b c",
    ];
    for text in refused {
        assert_eq!(parse(text.as_bytes()), None, "{text:?}");
    }
}
