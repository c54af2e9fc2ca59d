//! Where the bytes go: a file descriptor that can be opened anew.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;

use super::LogTarget;

/// An open target.
pub(super) struct Sink {
    /// How to open it again; `None` for what cannot be.
    path: Option<PathBuf>,
    output: Box<dyn Write + Send>,
}

impl Sink {
    pub(super) fn open(target: LogTarget) -> io::Result<Self> {
        // A duplicate of the descriptor, without the standard library's line buffer.
        Ok(match target {
            LogTarget::Stdout => Self::over(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
            LogTarget::Stderr => Self::over(File::from(io::stderr().as_fd().try_clone_to_owned()?)),
            LogTarget::File(path) => Self { output: Box::new(append(&path)?), path: Some(path) },
        })
    }

    /// A sink that cannot be opened again.
    pub(super) fn over(output: impl Write + Send + 'static) -> Self {
        Self { path: None, output: Box::new(output) }
    }

    /// Puts another output in the place of the open one, until the next reopening.
    #[cfg(test)]
    pub(super) fn replace(&mut self, output: impl Write + Send + 'static) {
        self.output = Box::new(output);
    }

    /// Writes a part of `bytes`: at least one byte, or an error.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.output.write(bytes) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.write(bytes),
            result => result,
        }
    }

    /// Opens the file anew; `true` when later bytes go elsewhere. On an error the old file stays in use.
    pub(super) fn reopen(&mut self) -> io::Result<bool> {
        let Some(path) = &self.path else {
            return Ok(false);
        };
        self.output = Box::new(append(path)?);
        Ok(true)
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
