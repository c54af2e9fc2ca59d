use super::super::tree::Tree;
use super::check;

const PAGE: (&str, &str) = ("docs/reference/reasons.md", "| `ip.denied` | 403 |\n");

fn findings(path: &str, code: &str) -> Vec<String> {
    let tree = Tree::of(&[PAGE, (path, code)]);
    check(&tree).iter().map(ToString::to_string).collect()
}

#[test]
fn a_reason_without_a_row_is_found() {
    let code = "let ok = \"ip.denied\";\nlet reply = Reply::problem(403, \"ip.unlisted\");\n";
    let found = findings("crates/portunus-filters/src/ip.rs", code);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("crates/portunus-filters/src/ip.rs:2: the reason `ip.unlisted`"));
}

#[test]
fn what_is_no_reason_is_left_alone() {
    let code = "const FORM: &str = \"ip.form\";\nlet no = (\"ip\", \"a.b.c\", \"X.y\", \"1.2\");\n";
    assert!(findings("crates/portunus-filters/src/ip.rs", code).is_empty());
    assert!(findings("crates/portunus-filters/src/ip/tests.rs", "\"ip.test\"").is_empty());
    assert!(findings("crates/portunus-tls/src/local_ca.rs", "\"ca.pem\"").is_empty());
}
