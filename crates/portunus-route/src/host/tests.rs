use super::*;

#[test]
fn patterns_are_read_and_written() {
    for (text, expected) in [
        ("Shop.Example.com", HostPattern::Exact("shop.example.com".into())),
        ("example.com.", HostPattern::Exact("example.com".into())),
        ("*.Example.com", HostPattern::Wildcard("example.com".into())),
        ("*", HostPattern::Any),
        ("192.0.2.1", HostPattern::Exact("192.0.2.1".into())),
        ("[2001:DB8::1]", HostPattern::Exact("[2001:db8::1]".into())),
        ("a_b", HostPattern::Exact("a_b".into())),
    ] {
        let pattern = HostPattern::parse(text).unwrap();
        assert_eq!(pattern, expected, "{text}");
        assert_eq!(HostPattern::parse(&pattern.to_string()), Ok(pattern));
    }
}

#[test]
fn mistakes_are_located_and_explained() {
    for (text, at, help) in [
        ("example.com:80", 11, "leave out the port"),
        ("example.com/api", 11, "paths go under `routes`"),
        ("a.*.com", 2, "at the left"),
        ("*example.com", 0, "at the left"),
        ("*.*.com", 2, "at the left"),
        ("", 0, "write a name like"),
        ("*.", 2, "write a name like"),
        ("a..b", 0, "write a name like"),
        ("~ .*", 0, "write a name like"),
        ("b\u{fc}cher.example", 1, "xn--"),
        ("[::1]:80", 0, "write a name like"),
    ] {
        let error = HostPattern::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.help.contains(help), "{text}: {error}");
    }
}
