//! Reason codes: whatever code the data path or a filter names has its row in the reference.

use super::Finding;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(PAGE) else { return Vec::new() };
    let is_giver =
        |file: &&File| file.is_shipped_rust() && GIVERS.iter().any(|at| file.path.starts_with(at));
    let givers = tree.rust_files().filter(is_giver);
    givers.flat_map(|file| unlisted(file, &page.text)).collect()
}

fn unlisted(file: &File, page: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for code in codes(line).filter(|code| !page.contains(&format!("| `{code}` |"))) {
            let what = format!(
                "the reason `{code}` is not in {PAGE}: list it in the filter's REASONS or in \
                 portunus-proxy/src/reply/table.rs, and run `cargo xtask gen`"
            );
            findings.push(Finding::at(&file.path, index + 1, what));
        }
    }
    findings
}

/// The literals in a line that have the form of a reason: two words of small letters and a dot between them.
/// A name that a filter keeps something under is a constant of type `&str`, and no reason.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    let is_name = line.trim_start().starts_with("const ") && line.contains(": &str = ");
    let literals = line.split('"').skip(1).step_by(2);
    literals.filter(move |literal| !is_name && is_code(literal))
}

fn is_code(literal: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    literal.split_once('.').is_some_and(|(family, what)| is_word(family) && is_word(what))
}

/// Where reasons are given. The codecs' own are listed from their exhaustive tables.
const GIVERS: &[&str] = &[
    "crates/portunus-credentials/src/",
    "crates/portunus-exchange/src/error.rs",
    "crates/portunus-filters",
    "crates/portunus-jwt/src/",
    "crates/portunus-limits/src/",
    "crates/portunus-oidc/src/",
    "crates/portunus-openapi/src/",
    "crates/portunus-proxy/src/",
    "crates/portunus-resilience/src/",
    "crates/portunus-transform/src/",
];
const PAGE: &str = "docs/reference/reasons.md";

#[cfg(test)]
mod tests;
