use super::super::tree::Tree;
use super::check;

fn count(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn vague_files_and_mod_rs_are_found() {
    assert_eq!(count("crates/a/src/route.rs", ""), 0);
    assert_eq!(count("crates/a/src/util.rs", ""), 1);
    assert_eq!(count("tests/it/helpers.rs", ""), 1);
    assert_eq!(count("crates/a/src/b/mod.rs", ""), 1);
}

#[test]
fn vague_and_misplaced_crates_are_found() {
    assert_eq!(count("crates/portunus-h1/Cargo.toml", "name = \"portunus-h1\"\n"), 0);
    assert_eq!(count("crates/portunus-core/Cargo.toml", "name = \"portunus-core\"\n"), 1);
    assert_eq!(count("crates/h1/Cargo.toml", "name = \"portunus-h1\"\n"), 1);
}
