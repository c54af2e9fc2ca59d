//! `cargo xtask tidy`: the project's own lints over the tree, all findings at once.
//!
//! A rule is a function from the tree to findings. Each rule has a test in which it fails.

mod crates;
mod dependencies;
mod documents;
mod functions;
mod manifests;
mod names;
mod reasons;
mod rust;
mod source;
mod text;
mod tree;
mod twins;

use std::fmt;
use std::process::ExitCode;

use crate::process;
use tree::Tree;

/// One thing to mend.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 where the finding is about the file as a whole.
    line: usize,
    /// What is wrong and what to do.
    what: String,
}

impl Finding {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line.max(1), self.what)
    }
}

/// Reads the tree, applies every rule and prints all findings; fails when there is one.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let root = process::root()?;
    let tree = Tree::read(&root)?;
    let packages = manifests::read()?;
    let mut findings: Vec<_> = TREE_RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.extend(crates::check(&packages));
    findings.extend(dependencies::check(&packages, &tree));
    findings.sort();
    println!("{}", functions::summary(&tree));
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", tree.files().len(), findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

type TreeRule = fn(&Tree) -> Vec<Finding>;

const TREE_RULES: &[TreeRule] = &[
    documents::check,
    functions::check,
    names::check,
    reasons::check,
    rust::check,
    text::check,
    twins::check,
];
