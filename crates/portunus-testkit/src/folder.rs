//! A folder of files, and the program's commands run in it.

use std::fs::{self, Permissions};
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use crate::{Identity, eventually};

/// A folder of the test's own; dropping it removes it.
#[derive(Debug)]
pub struct Folder(TempDir);

/// What a command left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with a configuration in `portunus.yaml`.
    #[must_use]
    pub fn with(config: &str) -> Self {
        let folder = Self::new();
        folder.write("portunus.yaml", config);
        folder
    }

    /// The path of a file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&path)).expect("a folder in the folder");
        fs::write(path, text).expect("a file in the folder");
    }

    /// Writes a certificate as `{name}.pem` and its key as `{name}.key`, each in one step.
    pub fn write_identity(&self, name: &str, identity: &Identity) {
        for (end, text) in [("key", identity.key_pem()), ("pem", identity.certificate_pem())] {
            self.write("next", text);
            let (next, target) = (self.path("next"), self.path(&format!("{name}.{end}")));
            let private = Permissions::from_mode(0o600);
            fs::set_permissions(&next, private).expect("a file that is ours");
            fs::rename(next, target).expect("a file in the folder");
        }
    }

    /// Reads a file; empty text when it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs the program here, to its end: `folder.run("check -c portunus.yaml")`.
    #[must_use]
    #[track_caller]
    pub fn run(&self, arguments: &str) -> Finished {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        self.run_with(&arguments)
    }

    /// Runs the program here, to its end.
    #[must_use]
    #[track_caller]
    pub fn run_with(&self, arguments: &[&str]) -> Finished {
        self.run_on(arguments, "")
    }

    /// As [`Folder::run_with`], with a text on standard input.
    #[must_use]
    #[track_caller]
    pub fn run_on(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped());
        let mut child = Killed(command.spawn().expect("the program starts"));
        let stdin = child.0.stdin.take();
        // It may end without reading it.
        let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
        let stdout = collect(child.0.stdout.take());
        let stderr = collect(child.0.stderr.take());
        let mut code = None;
        eventually(&format!("the end of portunus {arguments:?}"), || {
            code = child.0.try_wait().expect("a child can be waited for");
            code.is_some()
        });
        let text = |thread: JoinHandle<String>| thread.join().expect("a pipe can be read");
        let code = code.and_then(|status| status.code());
        Finished { code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// The program in this folder, with its outputs piped and none of our own environment's overrides.
    pub(crate) fn command(&self) -> Command {
        self.prepare(Command::new(binary()))
    }

    /// The same, started by another program that becomes it.
    pub(crate) fn command_by(&self, launcher: &[String]) -> Command {
        let Some((program, arguments)) = launcher.split_first() else { return self.command() };
        let mut command = self.prepare(Command::new(program));
        command.args(arguments).arg(binary());
        command
    }

    /// The same, with a listening socket, as a service manager gives it.
    pub(crate) fn command_with(&self, socket: OwnedFd) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", ACTIVATE]).arg(binary());
        let mut command = self.prepare(shell);
        command.stdin(socket);
        command
    }

    fn prepare(&self, mut command: Command) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PORTUNUS_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.0.path()).env("STATE_DIRECTORY", self.path("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Finished {
    /// Fails the test unless the command ended with this exit code.
    #[must_use]
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// A process that does not outlive its test.
#[derive(Debug)]
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It fails where the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        let read = pipe.map(|mut pipe| pipe.read_to_string(&mut text));
        read.transpose().expect("the output is text");
        text
    })
}

/// The program: `PORTUNUS_BIN`, or what lies beside the tests.
fn binary() -> PathBuf {
    if let Some(chosen) = std::env::var_os("PORTUNUS_BIN") {
        return PathBuf::from(chosen);
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let mut beside = test.ancestors().skip(2).map(|folder| folder.join("portunus"));
    let found = beside.find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("no program beside {test:?}: run `cargo build -p portunus`, or set PORTUNUS_BIN")
    })
}

/// Puts the socket on standard input where `sd_listen_fds(3)` has it.
const ACTIVATE: &str =
    "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\"";
