//! Documents: links lead somewhere, decision records are numbered and complete.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = tree.files().iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| links(page, tree)).chain(records(tree)).collect()
}

/// Links of the page to files or headings that do not exist.
fn links(page: &File, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, prose) in prose(&page.text) {
        for target in targets(&prose) {
            let what = broken(page, target, tree);
            findings.extend(what.map(|what| Finding::at(&page.path, line, what)));
        }
    }
    findings
}

/// The lines outside of code blocks, without the code inside of them, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            return None;
        }
        let outside_code = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        (!in_block).then_some((index + 1, outside_code))
    })
}

/// What the links in a line point to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// Why the target of a link is wrong, if it is.
fn broken(page: &File, target: &str, tree: &Tree) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { page.path.clone() } else { resolve(page.folder(), path) };
    if !tree.has(&path) {
        return Some(format!("the link to {target} leads nowhere: there is no {path}"));
    }
    let linked = tree.file(&path).filter(|file| file.path.ends_with(".md"))?;
    let exists = heading.is_empty() || headings(&linked.text).contains(heading);
    (!exists).then(|| format!("the link to {target} leads nowhere: no such heading in {path}"))
}

/// The path from the root of a path that is relative to the folder.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The names by which the headings of a page are linked.
fn headings(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let title = line.starts_with('#').then(|| line.trim_start_matches('#').trim())?;
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
    };
    text.lines().filter_map(heading).collect()
}

/// Decision records are numbered without gaps and have all their parts.
fn records(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 1;
    for record in tree.below(RECORDS) {
        let number = record.name().get(..4).and_then(|number| number.parse::<usize>().ok());
        let Some(number) = number else { continue };
        if number != expected {
            let what =
                format!("number {number:04} where {expected:04} is next: no gaps, no doubles");
            findings.push(Finding::at(&record.path, 0, what));
        }
        expected = number + 1;
        let lacks = |part: &&&str| !record.text.lines().any(|line| line == **part);
        findings.extend(
            RECORD_PARTS
                .iter()
                .filter(lacks)
                .map(|part| Finding::at(&record.path, 0, format!("no part `{part}`: add it"))),
        );
    }
    findings
}

const RECORDS: &str = "docs/decisions/";
const RECORD_PARTS: &[&str] =
    &["## Context", "## Decision", "## Consequences", "## What would change our mind"];

#[cfg(test)]
mod tests;
