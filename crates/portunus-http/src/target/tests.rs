use proptest::prelude::*;

use super::*;

fn normal(path: &str) -> String {
    let mut out = b"kept".to_vec();
    let changed = normalize_path(path.as_bytes(), &mut out);
    let text = String::from_utf8_lossy(&out).into_owned();
    let written = text.strip_prefix("kept").unwrap();
    assert_eq!(changed, !written.is_empty(), "{path}");
    if changed { written.to_owned() } else { path.to_owned() }
}

#[test]
fn paths_are_brought_to_one_form() {
    for (path, expected) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/../../etc", "/etc"),
        ("/..", "/"),
        ("/%2e%2e/x", "/x"),
        ("/a/%2E%2e/b", "/b"),
        ("/%61dmin", "/admin"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%zz", "/a%zz"),
        ("/a//b", "/a//b"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a/...", "/a/..."),
        ("*", "*"),
    ] {
        assert_eq!(normal(path), expected, "{path}");
    }
}

#[test]
fn authorities() {
    for good in ["a", "a.example:80", "[::1]", "[2001:db8::1]:443", "192.0.2.1:1", "a_b"] {
        assert!(valid_authority(good.as_bytes()), "{good}");
    }
    for bad in [
        "", ":80", "a:", "a:b", "a:70000", "u@a", "[::1", "[x]", "a b", "a/b", "a,b", "[::1]x",
        "a:80:80", "a:+1",
    ] {
        assert!(!valid_authority(bad.as_bytes()), "{bad}");
    }
}

#[test]
fn queries() {
    let pairs: Vec<_> = query_pairs(b"a=1&b&&c=d=e").collect();
    assert_eq!(pairs, [(&b"a"[..], &b"1"[..]), (b"b", b""), (b"c", b"d=e")]);
    let mut out = Vec::new();
    percent_decode_into(b"a%20b%2", &mut out);
    assert_eq!(out, b"a b%2");
}

proptest! {
    #[test]
    fn normal_form_is_stable(path in "(/|\\.|\\.\\.|%2e|%2F|a|%61|%){0,12}") {
        let path = format!("/{path}");
        let once = normal(&path);
        prop_assert!(!once.contains("/../") && !once.contains("/./"));
        // Decoding may uncover an escape ("%%36" is not one), but dots never come back.
        prop_assert!(!normal(&once).contains("/../"));
    }
}
