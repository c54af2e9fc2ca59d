//! Each example is a configuration that the program takes, and whose own tests hold.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use portunus_testkit::{Authority, Folder};

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

/// The certificates that examples name, as files beside them.
fn write_certificates(folder: &Folder) {
    let authority = Authority::new("examples");
    folder.write_identity("shop", &authority.issue(&["shop.example.com", "api.example.com"]));
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.path("shop.key"), private).unwrap();
    for name in ["partners-ca.pem", "internal-ca.pem"] {
        folder.write(name, &authority.pem());
    }
}

#[test]
fn every_example_passes_the_check_and_its_own_tests() {
    let mut examples = Vec::new();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    files(&all, &mut examples);
    assert!(examples.len() >= 15, "there are {} examples", examples.len());
    let folder = Folder::new();
    write_certificates(&folder);
    for example in examples {
        folder.write("example.yaml", &std::fs::read_to_string(&example).unwrap());
        for command in ["check -c example.yaml", "test -c example.yaml"] {
            let finished = folder.run(command);
            assert_eq!(
                finished.code,
                Some(0),
                "{example:?}: {}{}",
                finished.stdout,
                finished.stderr
            );
            assert_eq!(finished.stderr, "", "{example:?} gives warnings");
        }
    }
}
