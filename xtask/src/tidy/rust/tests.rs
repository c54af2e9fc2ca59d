use super::super::tree::Tree;
use super::check;

fn findings(path: &str, text: &str) -> Vec<String> {
    check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
}

/// Expects one finding that starts so in a file of code.
fn one(text: &str, expected: &str) {
    let found = findings("crates/a/src/b.rs", &format!("//! B.\n{text}"));
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    assert!(found.iter().all(|finding| finding.contains(expected)), "{found:?}");
}

fn none(text: &str) {
    let found = findings("crates/a/src/b.rs", &format!("//! B.\n{text}"));
    assert!(found.is_empty(), "{text}: {found:?}");
}

#[test]
fn a_header_is_asked_of_shipped_code_alone() {
    assert_eq!(findings("crates/a/src/b.rs", "fn a() {}\n").len(), 1);
    assert!(findings("crates/a/src/b/tests.rs", "fn a() {}\n").is_empty());
    assert!(findings("tests/it/main.rs", "fn a() {}\n").is_empty());
}

#[test]
fn stubs_are_found_in_code_alone() {
    one(concat!("fn a() { to", "do!() }\n"), "write it");
    one(concat!("fn a() { unimpl", "emented!() }\n"), "write it");
    none(concat!("// to", "do!()\nfn a() { \"unimpl", "emented!\"; }\n"));
}

#[test]
fn ignoring_a_test_needs_a_reason() {
    one(concat!("#[test]\n#[", "ignore]\nfn a() {}\n"), "b.rs:3: an ignored test");
    none("#[test]\n#[ignore = \"needs a peer\"]\nfn a() {}\n");
}

#[test]
fn allow_and_inner_tests_are_found() {
    one("#[allow(dead_code)]\nfn a() {}\n", "b.rs:2: allow");
    one("#![allow(dead_code)]\n", "allow");
    one("#[cfg(test)]\nmod tests {\n}\n", "b.rs:3: tests inside");
    none("#[expect(dead_code, reason = \"x\")]\nfn a() {}\n#[cfg(test)]\nmod tests;\n");
}

#[test]
fn unsafe_needs_a_reason() {
    one("fn a() {\n    unsafe { b() }\n}\n", "b.rs:3: unsafe");
    one("// SAFETY: far away\n\nfn a() { unsafe { b() } }\n", "unsafe");
    one("unsafe impl Send for A {}\n", "unsafe");
    none("fn a() {\n    // SAFETY: b is sound.\n    let c =\n        unsafe { b() };\n}\n");
    none("// SAFETY: a holds nothing.\nunsafe impl Send for A {}\n");
    none("/// # Safety\n/// None.\npub unsafe fn a() {}\n// unsafe { }\n");
}
