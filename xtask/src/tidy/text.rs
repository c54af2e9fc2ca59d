//! Rules for every text file: white space, leftovers, paths of somebody's machine.

use super::Finding;
use super::source::words;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().filter(|file| is_written_by_hand(file)).flat_map(check_file).collect()
}

/// Corpora and recorded outputs hold what they hold.
fn is_written_by_hand(file: &File) -> bool {
    let recorded = ["/corpus/", "/seeds/", "/snapshots/", "Cargo.lock", "LICENSE-"];
    !recorded.iter().any(|part| file.path.contains(part)) && !file.path.ends_with(".svg")
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.split('\n').enumerate() {
        let what = [white_space(file, line), leftover(line), private_path(line)];
        let finding = |what| Finding::at(&file.path, index + 1, what);
        findings.extend(what.into_iter().flatten().map(finding));
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        let last = file.text.lines().count();
        findings.push(Finding::at(&file.path, last, "no line end at the end: add one"));
    }
    if file.text.ends_with("\n\n") {
        let last = file.text.lines().count();
        findings.push(Finding::at(&file.path, last, "empty lines at the end: remove them"));
    }
    findings
}

fn white_space(file: &File, line: &str) -> Option<String> {
    if line.ends_with([' ', '\t', '\r']) {
        return Some("white space at the end of the line: remove it".into());
    }
    let has_tab = file.is_rust() && line.contains('\t');
    has_tab.then(|| "a tab: write \\t in a literal, spaces elsewhere".into())
}

fn leftover(line: &str) -> Option<String> {
    let word = LEFTOVERS.iter().find(|word| words(line, word).next().is_some())?;
    Some(format!("{word}: finish it, or file an issue and remove the note"))
}

fn private_path(line: &str) -> Option<String> {
    let starts_path = |at: usize| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"_.-/}".contains(c))
    };
    let found = |folder: &&&str| line.match_indices(**folder).any(|(at, _)| starts_path(at));
    let folder = PRIVATE_FOLDERS.iter().find(found)?;
    Some(format!("a path below {folder}: nothing may depend on somebody's machine"))
}

// Written in two parts, so that this file does not find itself.
const LEFTOVERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const PRIVATE_FOLDERS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

#[cfg(test)]
mod tests;
