use portunus_upstream::StateStore;

use super::*;
use crate::tests::{Process, mistakes};
use crate::{Compiled, UpstreamSource};

fn config(sticky: &str) -> String {
    format!("upstreams: {{shop: {{endpoints: http://10.0.0.1, sticky: {sticky}}}}}\nhosts: {{}}\n")
}

fn source(compiled: &Compiled) -> &UpstreamSource {
    compiled.upstreams.first().unwrap()
}

fn sticky(compiled: &Compiled) -> &StickyPlan {
    source(compiled).upstream.plan.sticky.as_ref().unwrap()
}

#[test]
fn attributes_are_those_that_browsers_know() {
    let cases = [
        ("{}", "; Path=/; HttpOnly; SameSite=Lax", None),
        ("{cookie: {secure: false}}", "; Path=/; HttpOnly; SameSite=Lax", Some(false)),
        ("{cookie: {same_site: none}}", "; Path=/; HttpOnly; SameSite=None", Some(true)),
        (
            "{cookie: {path: /x, domain: a.test, max_age: 2h, http_only: false, same_site: strict}}",
            "; Path=/x; Domain=a.test; Max-Age=7200; SameSite=Strict",
            None,
        ),
    ];
    for (written, attributes, secure) in cases {
        let compiled = Process::new().load(&config(written), None);
        let plan = sticky(&compiled);
        assert_eq!((&*plan.attributes, plan.secure), (attributes, secure), "{written}");
    }
}

#[test]
fn names_that_promise_something_are_held_to_it() {
    for name in ["__Host-srv", "__secure-srv"] {
        let compiled = Process::new().load(&config(name), None);
        assert_eq!(sticky(&compiled).secure, Some(true), "{name}");
    }
    for (cookie, message) in [
        ("name: __Secure-a, secure: false", "over HTTPS alone"),
        ("name: __Host-a, secure: false", "over HTTPS alone"),
        ("name: __Host-a, path: /a", "for one host and all its paths"),
        ("name: __host-a, domain: a.test", "for one host and all its paths"),
    ] {
        let found = mistakes(&config(&format!("{{cookie: {{{cookie}}}}}")));
        assert!(found.contains(message), "{cookie}: {found}");
    }
}

#[test]
fn what_cannot_stand_in_a_cookie_is_refused() {
    let found = mistakes(&config(
        "{cookie: {name: \"a;b\", path: x, domain: \"a;b\", max_age: 5ms, secure: false, \
         same_site: none}, key: short}",
    ));
    for message in [
        "`a;b` is not the name of a cookie",
        "`x` is not a path",
        "`a;b` is not a domain",
        "it is kept for a second or more",
        "browsers take a cookie with `same_site: none` over HTTPS alone",
        "a key has 32 characters or more",
    ] {
        assert!(found.contains(message), "{message}: {found}");
    }
    assert!(!found.contains("short"), "a secret is not shown: {found}");
}

#[test]
fn a_reload_keeps_the_upstream_while_cookie_and_key_are_the_same() {
    let process = Process::new();
    let before = process.load(&config("srv"), None);
    let same = process.load(&config("{cookie: {name: srv}}"), Some(&before));
    assert!(source(&same).kept);
    for other in ["node", "{cookie: srv, key: 0123456789abcdef0123456789abcdef}"] {
        assert!(!source(&process.load(&config(other), Some(&before))).kept, "{other}");
    }
}

#[test]
fn where_no_key_can_be_kept_one_is_told_and_has_one_all_the_same() {
    // A file is no folder.
    let folder = std::path::PathBuf::from("/dev/null/state");
    let process = Process { store: StateStore::keeping_in(folder), ..Process::new() };
    let (compiled, found) = process.try_load(&config("srv"), None);
    let first = compiled.unwrap();
    assert!(found.contains("clients stay until the next start alone"), "{found}");
    let again = process.load(&config("srv"), Some(&first));
    assert_eq!(sticky(&first).key, sticky(&again).key);
}
