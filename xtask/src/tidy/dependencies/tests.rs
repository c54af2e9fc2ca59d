use super::super::manifests::tests::package;
use super::super::tree::Tree;
use super::check;

const ROOT: &str =
    "[workspace.dependencies]\nbytes = \"1\"\n\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
const REASONS: &str = "| crate | why |\n| --- | --- |\n| `bytes` | Shared buffers. |\n";
const MANIFEST: &str = "[lints]\nworkspace = true\n";

/// The findings for a crate `a` that uses `bytes`, with these four files.
fn findings(root: &str, reasons: &str, manifest: &str, source: &str) -> Vec<String> {
    let tree = Tree::of(&[
        ("Cargo.toml", root),
        ("docs/internals/dependencies.md", reasons),
        ("crates/a/Cargo.toml", manifest),
        ("crates/a/src/lib.rs", source),
    ]);
    check(&[package("a", &["bytes"])], &tree).iter().map(ToString::to_string).collect()
}

fn one(found: &[String], expected: &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found.iter().all(|finding| finding.contains(expected)), "{found:?}");
}

#[test]
fn a_used_dependency_with_a_reason_is_fine() {
    let found = findings(ROOT, REASONS, MANIFEST, "use bytes::Bytes;\n");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_dependency_without_a_reason_and_a_reason_without_one_are_found() {
    one(&findings(ROOT, "", MANIFEST, "use bytes::Bytes;\n"), "no row for `bytes`");
    let stale = format!("{REASONS}| `gone` | Was useful. |\n");
    one(&findings(ROOT, &stale, MANIFEST, "use bytes::Bytes;\n"), "dependencies.md:4: `gone`");
}

#[test]
fn a_dependency_that_only_a_comment_names_is_unused() {
    one(&findings(ROOT, REASONS, MANIFEST, "// bytes\n"), "bytes is not used in crates/a/");
}

#[test]
fn the_lints_of_the_workspace_are_asked_for() {
    one(&findings(ROOT, REASONS, "[lints]\n", "use bytes;\n"), "workspace = true");
    let lax = ROOT.replace("forbid", "warn");
    one(&findings(&lax, REASONS, MANIFEST, "use bytes;\n"), "must forbid unsafe_code");
}

#[test]
fn a_line_of_the_workspace_that_nobody_uses_is_found() {
    let root = ROOT.replace("bytes = \"1\"\n", "bytes = \"1\"\nidle = \"2\"\n");
    one(&findings(&root, REASONS, MANIFEST, "use bytes;\n"), "Cargo.toml:3: no package uses idle");
}
