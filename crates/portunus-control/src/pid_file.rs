//! The file that holds the id of the process that accepts.

use std::io;
use std::path::{Path, PathBuf};

/// A written pid file; dropping it removes the file, unless another process has taken it over.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the file whole or not at all.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        write(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes it again, after another process has.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        write(&self.path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn write(path: &Path) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, format!("{}\n", std::process::id()))?;
    std::fs::rename(&beside, path)
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let ours = std::fs::read_to_string(&self.path)
            .is_ok_and(|text| text.trim() == std::process::id().to_string());
        if ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
