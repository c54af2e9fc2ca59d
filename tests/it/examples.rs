//! Each example is a configuration that the program takes.

use std::path::{Path, PathBuf};

use portunus_testkit::Folder;

/// All YAML files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_example_passes_the_check() {
    let mut examples = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"), &mut examples);
    assert!(!examples.is_empty(), "there are no examples");
    let folder = Folder::new();
    for example in examples {
        let path = example.canonicalize().unwrap();
        let finished = folder.run_with(&["check", "-c", path.to_str().unwrap()]);
        assert_eq!(finished.code, Some(0), "{path:?}: {}", finished.stderr);
    }
}
