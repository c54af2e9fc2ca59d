use super::{Dependency, Package, packages};

/// A package `name` with normal dependencies; those that start with `portunus` are ours.
pub(crate) fn package(name: &str, dependencies: &[&str]) -> Package {
    let dependency = |name: &&str| Dependency {
        name: (*name).to_owned(),
        is_dev: false,
        is_ours: name.starts_with("portunus"),
    };
    Package {
        name: name.to_owned(),
        manifest: format!("crates/{name}/Cargo.toml"),
        dependencies: dependencies.iter().map(dependency).collect(),
    }
}

#[test]
fn the_description_of_cargo_is_read() {
    let metadata = r#"{"workspace_root": "/x", "packages": [{
        "name": "a", "manifest_path": "/x/crates/a/Cargo.toml", "dependencies": [
            {"name": "b", "kind": null, "path": "/x/crates/b"},
            {"name": "c", "kind": "dev"}]}]}"#;
    let packages = packages(metadata).unwrap();
    let package = packages.first().unwrap();
    assert_eq!(package.folder(), "crates/a/");
    let read: Vec<_> =
        package.dependencies.iter().map(|d| (d.name.as_str(), d.is_dev, d.is_ours)).collect();
    assert_eq!(read, [("b", false, true), ("c", true, false)]);
}

#[test]
fn another_form_is_refused() {
    assert!(packages("{}").is_none());
    assert!(packages("no json").is_none());
}
