//! The files of the repository, read once.

use std::collections::BTreeSet;
use std::path::Path;

use crate::process;

/// A text file.
pub(crate) struct File {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    pub text: String,
}

impl File {
    /// The file's name without its folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The part of the path before the name, without the last `/`.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether only tests are in it, so that rules for shipped code do not apply.
    pub(crate) fn is_test(&self) -> bool {
        self.name() == "tests.rs"
            || self.path.starts_with("tests/")
            || ["/tests/", "/benches/", "/examples/"].iter().any(|part| self.path.contains(part))
    }

    /// Whether it belongs to a crate of the product.
    pub(crate) fn is_shipped_rust(&self) -> bool {
        self.is_rust() && self.path.starts_with("crates/") && !self.is_test()
    }
}

/// All files of the repository that git knows or would add.
pub(crate) struct Tree {
    files: Vec<File>,
    /// Also of what is no text.
    paths: BTreeSet<String>,
}

impl Tree {
    /// Reads the working tree; ignored files are left out.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut git = process::command("git")?;
        git.args(["-c", "safe.directory=*", "ls-files", "-z"]);
        git.args(["--cached", "--others", "--exclude-standard"]);
        let listed = process::output(&mut git)?;
        // Files that git does not know yet come first, and each rule wants them in their places.
        let listed: BTreeSet<_> = listed.split('\0').collect();
        let mut tree = Self { files: Vec::new(), paths: BTreeSet::new() };
        for path in listed.into_iter().filter(|path| root.join(path).is_file()) {
            tree.paths.insert(path.to_owned());
            if let Ok(text) = String::from_utf8(std::fs::read(root.join(path))?) {
                tree.files.push(File { path: path.to_owned(), text });
            }
        }
        Ok(tree)
    }

    /// A tree of the given paths and texts, for the tests of the rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        Self {
            files: files.iter().map(file).collect(),
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        }
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files below a folder, given with its last `/`.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder))
    }

    /// Whether there is a file or a folder of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self.paths.range(folder.clone()..).next().is_some_and(|at| at.starts_with(&folder))
    }
}
