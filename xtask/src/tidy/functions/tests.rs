use super::super::tree::Tree;
use super::{Function, check, functions, summary};

fn lengths(source: &str) -> Vec<(String, usize, usize)> {
    functions(source)
        .into_iter()
        .map(|Function { name, line, lines }| (name, line, lines))
        .collect()
}

/// A function of that many lines.
fn long(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

fn findings(source: &str) -> Vec<String> {
    check(&Tree::of(&[("crates/a/src/b.rs", source)])).iter().map(ToString::to_string).collect()
}

#[test]
fn lengths_run_from_fn_to_the_closing_brace() {
    let source = "fn a() {}\n\nfn b(\n    x: [u8; 4],\n) -> usize {\n    \"}\";\n    '}';\n}\n";
    assert_eq!(lengths(source), [("a".into(), 1, 1), ("b".into(), 3, 6)]);
}

#[test]
fn declarations_and_types_are_no_functions() {
    let source = "trait T { fn a(&self) -> [u8; 2]; }\ntype F = fn(u8) -> u8;\nstruct S { f: fn() }\n// fn x() {}\n";
    assert!(lengths(source).is_empty(), "{:?}", lengths(source));
}

#[test]
fn inner_functions_count_for_themselves_and_for_the_outer_one() {
    let source = "fn outer() {\n    fn inner() {\n    }\n}\n";
    assert_eq!(lengths(source), [("outer".into(), 1, 4), ("inner".into(), 2, 2)]);
}

#[test]
fn seventy_lines_pass_and_one_more_does_not() {
    assert!(findings(&long(70)).is_empty());
    let found = findings(&long(71));
    assert_eq!(found.len(), 1);
    assert!(
        found.first().unwrap().starts_with("crates/a/src/b.rs:1: fn long has 71 lines"),
        "{found:?}"
    );
}

#[test]
fn a_reason_excuses_a_long_function_and_an_empty_one_does_not() {
    let excused = format!("// LONG: a table, one line a case.\n/// Docs.\n#[inline]\n{}", long(90));
    assert!(findings(&excused).is_empty());
    assert_eq!(findings(&format!("// LONG:\n{}", long(90))).len(), 1);
    assert_eq!(findings(&format!("// LONG: far away\n\n{}", long(90))).len(), 1);
}

#[test]
fn a_file_of_more_than_a_thousand_lines_is_found() {
    assert!(findings(&"//\n".repeat(1000)).is_empty());
    assert_eq!(findings(&"//\n".repeat(1001)).len(), 1);
}

#[test]
fn the_summary_names_growing_files_and_typical_lengths() {
    let tree = Tree::of(&[("crates/a/src/b.rs", &"fn a() {}\n".repeat(700))]);
    let text = summary(&tree);
    assert!(text.contains("median 1 lines"), "{text}");
    assert!(text.contains("crates/a/src/b.rs (700 lines)"), "{text}");
}
