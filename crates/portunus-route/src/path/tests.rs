use super::*;

fn names(text: &str) -> Vec<String> {
    PathPattern::parse(text).unwrap().names().map(str::to_owned).collect()
}

fn captured(pattern: &str, path: &str) -> Vec<(String, String)> {
    let mut params = Params::default();
    PathPattern::parse(pattern).unwrap().capture(path.as_bytes(), &mut params);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    params.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn names_come_in_order() {
    assert_eq!(names("/health"), [""; 0]);
    assert_eq!(names("/a/{b}/{c_1}/**"), ["b", "c_1", "rest"]);
    assert_eq!(names("~ /v(?<major>[0-9]+)/([a-z]+)/(?<name>.*)"), ["major", "name"]);
}

#[test]
fn values_are_raw() {
    assert_eq!(captured("/o/{id}/x", "/o/a%2Fb/x"), [pair("id", "a%2Fb")]);
    assert_eq!(captured("/api/**", "/api/x//y/"), [pair("rest", "x//y/")]);
    assert_eq!(captured("/api/**", "/api/"), [pair("rest", "")]);
    assert_eq!(captured("/api/**", "/api"), [pair("rest", "")]);
    assert_eq!(captured("/**", "/"), [pair("rest", "")]);
    assert_eq!(captured("/{a}/**", "/x/y"), [pair("a", "x"), pair("rest", "y")]);
    assert_eq!(captured("~ /(?<a>x)?/(?<b>.*)", "//z"), [pair("b", "z")]);
    assert_eq!(captured("/plain", "/plain"), []);
}

#[test]
fn literals_have_the_form_of_normalised_requests() {
    for (text, expected) in [
        ("/a b", "/a%20b"),
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/%7Euser", "/~user"),
        ("/a%2fb", "/a%2Fb"),
        ("/100%", "/100%"),
        ("/.well-known", "/.well-known"),
        ("/~ x", "/~%20x"),
    ] {
        assert_eq!(PathPattern::parse(text).unwrap().shape(), expected, "{text}");
    }
}

#[test]
fn mistakes_are_located_and_explained() {
    for (text, at, message, help) in [
        ("", 0, "without its first", "write `/path`"),
        ("health", 0, "without its first", "write `/path`"),
        ("/**/x", 1, "something after", "at its end"),
        ("/a/b{c}", 4, "inside a segment", "only whole segments"),
        ("/a/{b}c", 3, "inside a segment", "only whole segments"),
        ("/a/*", 3, "inside a segment", "`{name}` for one"),
        ("/a/{}", 4, "not a name", "letters"),
        ("/a/{1}", 4, "not a name", "letters"),
        ("/{a}/{a}", 5, "twice", "its own name"),
        ("/{rest}/**", 8, "whose name it is", "another name"),
        ("/a//b", 3, "empty segment", "one `/`"),
        ("/a/../b", 3, "never matches", "normalised"),
        ("/a?b=1", 2, "ends before", "query"),
        ("~ /(", 2, "not a regex: unclosed group", "regex"),
        ("~ a)|(b", 2, "not a regex", "regex"),
        ("~ (a{1000}){1000}", 2, "cannot be compiled", "smaller counts"),
    ] {
        let error = PathPattern::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(error.help.contains(help), "{text}: {error}");
    }
    assert!(PathPattern::parse(&"/a".repeat(SEGMENTS_MAX)).is_ok());
    assert!(PathPattern::parse(&"/a".repeat(SEGMENTS_MAX + 1)).is_err());
}
