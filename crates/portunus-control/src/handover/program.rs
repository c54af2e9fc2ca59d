//! The program that this process runs, as it was started.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::state;

/// How to start the program again: found out at the start, when the paths are what they were then.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// What it is called with.
    name: OsString,
    arguments: Vec<OsString>,
    /// The state folder: another user would look for it elsewhere.
    state: PathBuf,
}

impl Program {
    /// The program of this process. A path with links stays one: what it leads to may change with an upgrade.
    pub(crate) fn of_this_process(state: PathBuf) -> Option<Self> {
        let mut arguments = env::args_os();
        let name = arguments.next().unwrap_or_default();
        let path = resolve(Path::new(&name)).or_else(|| env::current_exe().ok())?;
        Some(Self { path, name, arguments: arguments.collect(), state })
    }

    #[cfg(test)]
    pub(super) fn new(path: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(OsString::from).collect();
        Self { path: path.into(), name: path.into(), arguments, state: PathBuf::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts what is at the path now, with the same arguments.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg0(&self.name).args(&self.arguments).env(state::VARIABLE, &self.state);
        command
    }
}

/// Where a shell would find it.
fn resolve(name: &Path) -> Option<PathBuf> {
    let is_path = name.components().count() > 1;
    let found = if is_path {
        env::current_dir().ok()?.join(name)
    } else {
        let folders = env::var_os("PATH")?;
        env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())?
    };
    found.is_file().then_some(found)
}
