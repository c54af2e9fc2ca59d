//! The packages of the workspace and what they depend on, as cargo describes them.

use anyhow::Context as _;
use serde_json::Value;

use crate::process;

/// One member of the workspace.
pub(crate) struct Package {
    pub name: String,
    /// The path of its `Cargo.toml`, relative to the root.
    pub manifest: String,
    pub dependencies: Vec<Dependency>,
}

/// One line of a package's dependencies.
pub(crate) struct Dependency {
    pub name: String,
    /// Only tests and benches use it.
    pub is_dev: bool,
    /// It lies in this workspace.
    pub is_ours: bool,
}

impl Package {
    /// The folder of the package with its last `/`.
    pub(crate) fn folder(&self) -> &str {
        self.manifest.strip_suffix("Cargo.toml").unwrap_or(&self.manifest)
    }
}

/// Asks cargo for the packages; needs neither network nor lock file.
pub(crate) fn read() -> anyhow::Result<Vec<Package>> {
    let mut cargo = process::cargo()?;
    cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]);
    packages(&process::output(&mut cargo)?).context("cargo metadata has an unknown form")
}

fn packages(metadata: &str) -> Option<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let root = metadata.get("workspace_root")?.as_str()?;
    metadata.get("packages")?.as_array()?.iter().map(|value| package(value, root)).collect()
}

fn package(value: &Value, root: &str) -> Option<Package> {
    let manifest = value.get("manifest_path")?.as_str()?.strip_prefix(root)?;
    let dependencies = value.get("dependencies")?.as_array()?.iter().map(dependency);
    Some(Package {
        name: value.get("name")?.as_str()?.to_owned(),
        manifest: manifest.trim_start_matches('/').to_owned(),
        dependencies: dependencies.collect::<Option<_>>()?,
    })
}

fn dependency(value: &Value) -> Option<Dependency> {
    Some(Dependency {
        name: value.get("name")?.as_str()?.to_owned(),
        is_dev: value.get("kind")?.as_str() == Some("dev"),
        is_ours: value.get("path").is_some(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
