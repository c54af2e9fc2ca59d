use super::super::tree::Tree;
use super::check;

/// The findings in a file of that name, as `line: start of what`.
fn findings(path: &str, text: &str) -> Vec<String> {
    check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
}

fn one(path: &str, text: &str, expected: &str) {
    let found = findings(path, text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found.iter().all(|finding| finding.starts_with(expected)), "{found:?}");
}

#[test]
fn clean_text_has_no_findings() {
    assert!(findings("a.md", "# A\n\nFine.\n").is_empty());
    assert!(findings("empty.md", "").is_empty());
}

#[test]
fn white_space_is_found() {
    one("a.md", "ok\nbad \n", "a.md:2: white space at the end");
    one("a.md", "bad\r\n", "a.md:1: white space at the end");
    one("a.rs", "\tlet a;\n", "a.rs:1: a tab");
    one("a.md", "no end", "a.md:1: no line end");
    one("a.md", "too many\n\n", "a.md:2: empty lines");
    assert!(findings("Makefile", "\ttab\n").is_empty());
}

#[test]
fn leftovers_are_found_as_whole_words() {
    one("a.rs", concat!("// TO", "DO: later\n"), "a.rs:1: TO");
    one("a.yaml", concat!("a: 1 # FIX", "ME\n"), "a.yaml:1: FIX");
    assert!(findings("a.rs", concat!("// MASTO", "DON\n")).is_empty());
}

#[test]
fn paths_of_a_machine_are_found() {
    one("a.md", concat!("see /wo", "rk/x\n"), "a.md:1: a path below");
    one("a.sh", concat!("cd \"/ho", "me/me\"\n"), "a.sh:1: a path below");
    let inside_others = concat!("https://a/wo", "rk/x and net", "/wo", "rk/x\n");
    assert!(findings("a.md", inside_others).is_empty());
}

#[test]
fn recorded_files_are_left_alone() {
    assert!(findings("fuzz/corpus/h1/a", "x \r").is_empty());
    assert!(findings("crates/a/src/snapshots/b.snap", "x \n\n").is_empty());
}
