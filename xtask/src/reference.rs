//! `cargo xtask gen`: the JSON schema and the reference pages, written by the program itself.
//!
//! `portunus reference schema` prints the schema. `portunus reference markdown` prints all pages
//! in one stream: a line `=== name.md` starts the page of that name, relative to `docs/reference`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::{process, program};

/// The generated files: path relative to the root, and what must stand in it.
type Files = BTreeMap<PathBuf, String>;

/// Writes what is generated, or with `--check` only tells whether it is up to date.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => anyhow::bail!("gen takes nothing, or --check"),
    };
    let root = process::root()?;
    let wanted = generate(&program::build()?)?;
    let stale = stale(&root, &wanted)?;
    if check && !stale.is_empty() {
        for path in &stale {
            println!("{}: differs from what the program describes", path.display());
        }
        anyhow::bail!("stale generated files: {}; run `cargo xtask gen`", stale.len());
    }
    write(&root, &wanted, &stale)?;
    println!("gen: {} files, {} changed", wanted.len(), stale.len());
    Ok(ExitCode::SUCCESS)
}

/// Asks the program for all that is generated.
fn generate(program: &Path) -> anyhow::Result<Files> {
    let ask = |what: &str| process::output(Command::new(program).args(["reference", what]));
    let mut files = pages(&ask("markdown")?)?;
    files.insert(PathBuf::from(SCHEMA), ended(&ask("schema")?));
    Ok(files)
}

/// Takes the stream of pages apart.
fn pages(bundle: &str) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut page = None;
    for line in bundle.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let path = page_path(name)?;
            anyhow::ensure!(!files.contains_key(&path), "the page `{name}` is there twice");
            files.insert(path.clone(), String::new());
            page = Some(path);
        } else {
            let path = page.as_ref().context("the text starts without a line `=== name.md`")?;
            let text = files.entry(path.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
    }
    anyhow::ensure!(!files.is_empty(), "the program describes no page");
    Ok(files.into_iter().map(|(path, text)| (path, ended(&text))).collect())
}

fn page_path(name: &str) -> anyhow::Result<PathBuf> {
    let is_plain = name.ends_with(".md") && !name.starts_with('/') && !name.contains("..");
    anyhow::ensure!(is_plain, "`{name}` is no name of a page below {PAGES}");
    Ok(Path::new(PAGES).join(name))
}

/// The text with exactly one line end at its end.
fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Which files differ, are missing, or lie among the pages without being generated any more.
fn stale(root: &Path, wanted: &Files) -> anyhow::Result<Vec<PathBuf>> {
    let changed = |(path, text): &(&PathBuf, &String)| {
        std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(*text)
    };
    let mut stale: Vec<_> = wanted.iter().filter(changed).map(|(path, _)| path.clone()).collect();
    if let Ok(entries) = std::fs::read_dir(root.join(PAGES)) {
        for entry in entries {
            let path = Path::new(PAGES).join(entry?.file_name());
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            if is_page && !wanted.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

/// Writes the stale files and removes those that are not wanted any more.
fn write(root: &Path, wanted: &Files, stale: &[PathBuf]) -> anyhow::Result<()> {
    for path in stale {
        let full = root.join(path);
        println!("{}", path.display());
        match wanted.get(path) {
            None => std::fs::remove_file(&full)?,
            Some(text) => {
                std::fs::create_dir_all(full.parent().context("a page has a folder")?)?;
                std::fs::write(&full, text)?;
            }
        }
    }
    Ok(())
}

const SCHEMA: &str = "schema/portunus.schema.json";
const PAGES: &str = "docs/reference";

#[cfg(test)]
mod tests;
