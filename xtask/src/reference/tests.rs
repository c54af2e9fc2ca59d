use std::path::{Path, PathBuf};

use super::{Files, pages, stale, write};

fn wanted(pages: &[(&str, &str)]) -> Files {
    pages.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect()
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portunus-xtask-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_bundle_is_taken_apart_and_each_page_ends_with_one_line_end() {
    let files = pages("=== a.md\n# A\n\n\n=== filters/b.md\nB\n").unwrap();
    let expected = [("docs/reference/a.md", "# A\n"), ("docs/reference/filters/b.md", "B\n")];
    assert_eq!(files, wanted(&expected));
}

#[test]
fn a_bundle_that_would_write_elsewhere_is_refused() {
    for bundle in
        ["", "# no page\n", "=== ../x.md\n", "=== /x.md\n", "=== x.rs\n", "=== a.md\n=== a.md\n"]
    {
        assert!(pages(bundle).is_err(), "{bundle:?}");
    }
}

#[test]
fn writing_makes_the_tree_clean_and_removes_old_pages() {
    let folder = Folder::new("gen");
    let root: &Path = &folder.0;
    let first = wanted(&[("docs/reference/a.md", "A\n"), ("docs/reference/b.md", "B\n")]);
    assert_eq!(stale(root, &first).unwrap().len(), 2);
    write(root, &first, &stale(root, &first).unwrap()).unwrap();
    assert!(stale(root, &first).unwrap().is_empty());

    let second = wanted(&[("docs/reference/a.md", "changed\n")]);
    assert_eq!(stale(root, &second).unwrap().len(), 2);
    write(root, &second, &stale(root, &second).unwrap()).unwrap();
    assert!(stale(root, &second).unwrap().is_empty());
    assert!(!root.join("docs/reference/b.md").exists());
}
