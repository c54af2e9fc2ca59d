//! Names: no crate or file that could hold anything, folder and crate named alike, no `mod.rs`.

use super::Finding;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files().iter().filter_map(crate_name);
    tree.rust_files().filter_map(file_name).chain(manifests).collect()
}

fn file_name(file: &File) -> Option<Finding> {
    let stem = file.name().strip_suffix(".rs").unwrap_or_default();
    let what = if stem == "mod" {
        "mod.rs: write foo.rs beside the folder foo/"
    } else if VAGUE_FILES.contains(&stem) {
        "a file that could hold anything: name it by what it does"
    } else {
        return None;
    };
    Some(Finding::at(&file.path, 0, what))
}

fn crate_name(file: &File) -> Option<Finding> {
    let folder = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    let name_line = file.text.lines().find(|line| line.starts_with("name = "))?;
    let name = name_line.split('"').nth(1).unwrap_or_default();
    let what = if name != folder {
        format!("the folder {folder} holds the crate {name}: name them alike")
    } else if name.split('-').any(|part| VAGUE_CRATES.contains(&part)) {
        format!("{name} could hold anything: name it by what it does")
    } else {
        return None;
    };
    Some(Finding::at(&file.path, 0, what))
}

const VAGUE_FILES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];
const VAGUE_CRATES: &[&str] =
    &["common", "core", "helper", "helpers", "misc", "shared", "util", "utils"];

#[cfg(test)]
mod tests;
