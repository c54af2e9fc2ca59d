//! Rules for Rust source that neither the compiler nor clippy checks.

use super::Finding;
use super::source::{code_only, line_of, words};
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let rules: [fn(&File, &str) -> Vec<Finding>; 5] =
        [header, stubs, ignored_tests, attributes_and_test_modules, unsafe_blocks];
    let check_file = |file: &File| {
        let code = code_only(&file.text);
        rules.iter().flat_map(|rule| rule(file, &code)).collect::<Vec<_>>()
    };
    tree.rust_files().flat_map(check_file).collect()
}

/// Each file of shipped code says at its top what it is for.
fn header(file: &File, _code: &str) -> Vec<Finding> {
    let says = file.text.trim_start().starts_with("//!");
    let what = "no `//!` header: say what the file is for, and what it must never do";
    if file.is_shipped_rust() && !says { vec![Finding::at(&file.path, 1, what)] } else { vec![] }
}

/// Macros that stand for code that nobody wrote.
fn stubs(file: &File, code: &str) -> Vec<Finding> {
    let macros = ["todo", "unimplemented"];
    let calls = macros.iter().flat_map(|name| words(code, name).map(move |at| (*name, at)));
    let is_call = |(name, at): &(&str, usize)| {
        code.get(at + name.len()..).is_some_and(|c| c.starts_with('!'))
    };
    let finding =
        |(name, at)| Finding::at(&file.path, line_of(code, at), format!("{name}!: write it"));
    calls.filter(is_call).map(finding).collect()
}

/// Tests that are ignored without a reason.
fn ignored_tests(file: &File, code: &str) -> Vec<Finding> {
    let what = "an ignored test without a reason: #[ignore = \"why\"]";
    code.match_indices(concat!("#[", "ignore]"))
        .map(|(at, _)| Finding::at(&file.path, line_of(code, at), what))
        .collect()
}

/// `allow` where `expect` would tell when it is not needed any more, and tests inside of code.
fn attributes_and_test_modules(file: &File, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in code.lines().map(str::trim).enumerate() {
        if line.starts_with("#[allow(") || line.starts_with("#![allow(") {
            let what = "allow: write #[expect(lint, reason = \"why\")]";
            findings.push(Finding::at(&file.path, index + 1, what));
        }
        if line.starts_with("mod tests {") {
            let what = "tests inside of the code: move them to a file tests.rs";
            findings.push(Finding::at(&file.path, index + 1, what));
        }
    }
    findings
}

/// Each unsafe block and implementation says why it is sound.
fn unsafe_blocks(file: &File, code: &str) -> Vec<Finding> {
    let needs_reason = |at: &usize| {
        let after = code.get(at + "unsafe".len()..).unwrap_or_default().trim_start();
        after.starts_with('{') || after.starts_with("impl")
    };
    let lines: Vec<_> = file.text.lines().collect();
    let unsafe_lines = words(code, "unsafe").filter(needs_reason).map(|at| line_of(code, at));
    let what = "unsafe without a reason: write `// SAFETY:` right above";
    unsafe_lines
        .filter(|&line| !has_safety_comment(&lines, line))
        .map(|line| Finding::at(&file.path, line, what))
        .collect()
}

/// Looks up through the statement that the line belongs to, to the comment above it.
fn has_safety_comment(lines: &[&str], line: usize) -> bool {
    let above = lines.iter().take(line).rev();
    let mut code_lines = 0;
    for line in above.map(|line| line.trim()) {
        if line.contains("// SAFETY:") {
            return true;
        }
        let is_code = !line.starts_with("//") && !line.starts_with("#[");
        code_lines += usize::from(is_code);
        if code_lines > STATEMENT_LINES_MAX || line.is_empty() {
            return false;
        }
    }
    false
}

/// A comment stands above the statement, not above the line in it: this far is looked.
const STATEMENT_LINES_MAX: usize = 4;

#[cfg(test)]
mod tests;
