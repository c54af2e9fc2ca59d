use super::*;

fn fits(pattern: &str, origin: &str) -> bool {
    OriginPattern::parse(pattern).unwrap_or_else(|_| panic!("{pattern}")).fits(origin.as_bytes())
}

#[test]
fn patterns_fit_whole_origins() {
    for (pattern, yes, no) in [
        ("*", &["null", "https://a"][..], &[][..]),
        ("null", &["null"], &["https://null", ""]),
        (
            "https://App.example.com",
            &["https://app.example.com", "HTTPS://app.example.com"],
            &[
                "http://app.example.com",
                "https://app.example.com:8443",
                "https://app.example.com.evil.net",
            ],
        ),
        ("https://example.com:443", &["https://example.com"], &["https://example.com:443"]),
        ("http://[::1]:3000", &["http://[::1]:3000"], &["http://[::1]"]),
        (
            "https://*.example.com",
            &["https://a.example.com", "https://a.b.example.com"],
            &[
                "https://example.com",
                "https://.example.com.evil.net",
                "https://evilexample.com",
                "http://a.example.com",
                "https://evil.net/.example.com",
                "https://evil.net#.example.com",
                "https://user@a.example.com",
                "https://a.example.com:8443",
            ],
        ),
        ("https://*.example.com:8443", &["https://a.example.com:8443"], &["https://a.example.com"]),
        (
            "http://localhost:*",
            &["http://localhost:3000", "http://localhost:1"],
            &["http://localhost", "http://localhost:", "http://localhost:3000.evil.net"],
        ),
        (
            r"~ https://(a|b)\.example\.com",
            &["https://a.example.com"],
            &["https://a.example.com.evil.net", "xhttps://a.example.com"],
        ),
        ("capacitor://localhost", &["capacitor://localhost"], &["ionic://localhost"]),
    ] {
        for origin in yes {
            assert!(fits(pattern, origin), "{pattern} {origin}");
        }
        for origin in no {
            assert!(!fits(pattern, origin), "{pattern} {origin}");
        }
    }
}

#[test]
fn what_is_no_origin() {
    for wrong in [
        "example.com",
        "https://example.com/",
        "https://example.com/app",
        "https://",
        "://a",
        "https://a*.example.com",
        "https://*",
        "https://*.*.com",
        "https://*:*",
        "~ [",
        "",
    ] {
        assert!(OriginPattern::parse(wrong).is_err(), "{wrong}");
    }
}
