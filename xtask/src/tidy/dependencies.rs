//! Dependencies: each has a reason in writing, each is used, and the lints hold everywhere.

use std::collections::BTreeSet;

use super::Finding;
use super::manifests::Package;
use super::source::{code_only, words};
use super::tree::Tree;

pub(crate) fn check(packages: &[Package], tree: &Tree) -> Vec<Finding> {
    let mut findings = reasons(packages, tree);
    findings.extend(packages.iter().flat_map(|package| unused(package, tree)));
    findings.extend(packages.iter().filter_map(|package| lints(package, tree)));
    findings.extend(workspace_table(packages, tree));
    findings
}

/// Each external dependency has a row in the page, and each row a dependency.
fn reasons(packages: &[Package], tree: &Tree) -> Vec<Finding> {
    let used: BTreeSet<_> = external(packages).collect();
    let page = tree.file(REASONS).map_or("", |file| file.text.as_str());
    let rows: Vec<_> =
        page.lines().enumerate().filter_map(|(i, line)| Some((i + 1, row(line)?))).collect();
    let without_row = used.iter().filter(|name| !rows.iter().any(|(_, row)| row == *name));
    let missing = without_row.map(|name| {
        Finding::at(REASONS, 0, format!("no row for `{name}`: say in one line why we use it"))
    });
    let without_use = rows.iter().filter(|(_, name)| !used.contains(name));
    let stale = without_use.map(|(line, name)| {
        Finding::at(REASONS, *line, format!("`{name}` is not used any more: remove the row"))
    });
    missing.chain(stale).collect()
}

fn external(packages: &[Package]) -> impl Iterator<Item = &str> {
    let all = packages.iter().flat_map(|package| &package.dependencies);
    all.filter(|dependency| !dependency.is_ours).map(|dependency| dependency.name.as_str())
}

/// The name in a table row "| `name` | why |".
fn row(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)
}

/// Dependencies that no source of the package names.
fn unused(package: &Package, tree: &Tree) -> Vec<Finding> {
    let folder = package.folder();
    let sources = tree.below(folder).filter(|file| file.is_rust());
    let code: Vec<_> = sources.map(|file| code_only(&file.text)).collect();
    let is_named = |name: &str| {
        let name = name.replace('-', "_");
        code.iter().any(|code| words(code, &name).next().is_some())
    };
    let finding = |name: &str| {
        let what = format!("{name} is not used in {folder}: remove it");
        Finding::at(&package.manifest, 0, what)
    };
    let names = package.dependencies.iter().map(|dependency| dependency.name.as_str());
    names.filter(|name| !is_named(name)).map(finding).collect()
}

/// Each package takes the workspace's lints, so that unsafe code is forbidden; one may differ.
fn lints(package: &Package, tree: &Tree) -> Option<Finding> {
    let manifest = &tree.file(&package.manifest)?.text;
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let inherits = lines.next() == Some("workspace = true");
    let what = "no `[lints] workspace = true`: unsafe code and the other bans hold everywhere";
    (!inherits && package.name != UNSAFE_CRATE).then(|| Finding::at(&package.manifest, 0, what))
}

/// The root's table: forbids unsafe code, and holds nothing that no package uses.
fn workspace_table(packages: &[Package], tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file("Cargo.toml") else { return Vec::new() };
    let mut findings = Vec::new();
    if !root.text.contains("unsafe_code = \"forbid\"") {
        findings.push(Finding::at(&root.path, 0, "the workspace must forbid unsafe_code"));
    }
    let used: BTreeSet<_> = external(packages).collect();
    let table = root.text.lines().enumerate();
    let table = table.skip_while(|(_, line)| *line != "[workspace.dependencies]").skip(1);
    for (index, line) in table.take_while(|(_, line)| !line.starts_with('[')) {
        let Some((name, value)) = line.split_once(" = ") else { continue };
        if !value.contains("path = ") && !used.contains(name) {
            let what = format!("no package uses {name}: remove it");
            findings.push(Finding::at(&root.path, index + 1, what));
        }
    }
    findings
}

const REASONS: &str = "docs/internals/dependencies.md";
const UNSAFE_CRATE: &str = "portunus-net";

#[cfg(test)]
mod tests;
