//! Which configuration is meant.

use std::path::{Path, PathBuf};

use portunus_control::{ConfigSource, Prepared};

use super::output;
use crate::wire;

/// The file that was given, or the first of the usual ones that is there.
pub(super) fn file(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    given.or_else(|| USUAL.iter().map(PathBuf::from).find(|path| path.exists())).ok_or_else(|| {
        anyhow::anyhow!(
            "there is no configuration: neither {} is there\n\
             name one with --config FILE, or start without one:\n\
             portunus run --host a.localhost --to http://127.0.0.1:3000",
            USUAL.join(" nor ")
        )
    })
}

/// Loads and compiles a configuration without serving it.
pub(super) fn prepare(path: &Path) -> Prepared {
    wire::world().prepare(&ConfigSource::File(path.to_owned()), None)
}

/// A compiled configuration; what is wrong is told, and then there is none.
pub(super) fn compiled(given: Option<PathBuf>) -> anyhow::Result<Option<Prepared>> {
    let prepared = prepare(&file(given)?);
    output::note(&prepared.render(output::colour()));
    Ok(Some(prepared).filter(|prepared| prepared.compiled.is_some()))
}

const USUAL: [&str; 2] = ["/etc/portunus/portunus.yaml", "./portunus.yaml"];
