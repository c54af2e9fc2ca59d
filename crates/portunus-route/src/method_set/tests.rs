use super::*;

fn set(names: &[&str]) -> MethodSet {
    MethodSet::parse(names.iter().copied()).unwrap()
}

fn has(names: &[&str], name: &str) -> bool {
    set(names).has(Method::of(name.as_bytes()), name.as_bytes())
}

#[test]
fn head_comes_with_get() {
    assert!(has(&["GET"], "HEAD"));
    assert!(!has(&["HEAD"], "GET"));
    assert_eq!(set(&["PUT", "GET"]).to_string(), "GET, HEAD, PUT");
    assert!(set(&["HEAD"]).has_head_alone() && !set(&["GET", "HEAD"]).has_head_alone());
}

#[test]
fn other_methods_go_by_their_text() {
    let propfind = ["PURGE", "PROPFIND", "PURGE"];
    assert!(has(&propfind, "PURGE") && has(&propfind, "PROPFIND"));
    assert!(!has(&propfind, "purge") && !has(&propfind, "GET"));
    assert_eq!(set(&propfind).to_string(), "PROPFIND, PURGE");
    assert!(set(&["GET", "PURGE"]).covers(&set(&["HEAD", "PURGE"])));
    assert!(!set(&["HEAD"]).covers(&set(&["GET"])));
    assert!(MethodSet::default().is_empty() && !set(&propfind).is_empty());
}

#[test]
fn mistakes_are_explained() {
    for (name, help) in [("get", "`GET`"), ("A B", "GET or POST"), ("", "upper case")] {
        let error = MethodSet::parse([name]).unwrap_err();
        assert!(error.help.contains(help), "{name}: {error}");
    }
}
