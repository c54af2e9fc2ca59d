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
    for (name, identity) in [
        ("shop", authority.issue(&["shop.example.com", "api.example.com"])),
        ("gateway", authority.issue(&["gateway.internal"])),
        ("edge", authority.client("edge")),
    ] {
        folder.write_identity(name, &identity);
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path(&format!("{name}.key")), private).unwrap();
    }
    for name in ["partners-ca.pem", "internal-ca.pem"] {
        folder.write(name, &authority.pem());
    }
}

#[test]
fn every_example_passes_the_check_and_its_own_tests() {
    let mut examples = Vec::new();
    files(&root().join("examples"), &mut examples);
    assert!(examples.len() >= 17, "there are {} examples", examples.len());
    let folder = Folder::new();
    write_certificates(&folder);
    let document = std::fs::read_to_string(root().join("examples/orders-api.json")).unwrap();
    folder.write("orders-api.json", &document);
    for example in examples {
        folder.write("example.yaml", &std::fs::read_to_string(&example).unwrap());
        check(&folder, &["check -c example.yaml", "test -c example.yaml"], &example);
    }
}

#[test]
fn what_the_readme_says_of_its_configuration_is_true() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```yaml\n").unwrap();
    let (config, rest) = rest.split_once("```\n").unwrap();
    assert!(config.lines().count() <= 15, "{config}");
    let folder = Folder::new();
    folder.write("shop.yaml", config);
    let (_, rest) = rest.split_once("```sh\n").unwrap();
    let (commands, _) = rest.split_once("```").unwrap();
    let commands = commands.lines().map(|line| line.split('#').next().unwrap().trim_end());
    let commands = commands.filter_map(|line| line.strip_prefix("portunus "));
    let ends = |line: &&str| line.starts_with("check ") || line.starts_with("explain ");
    let commands: Vec<_> = commands.filter(ends).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    check(&folder, &commands, Path::new("README.md"));
}

/// Commands say that all is fine, without a warning.
fn check(folder: &Folder, commands: &[&str], of: &Path) {
    for command in commands {
        let finished = folder.run(command);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert_eq!(finished.code, Some(0), "{of:?}: {command}: {said}");
        assert_eq!(finished.stderr, "", "{of:?} gives warnings");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
