//! A real PostgreSQL: Debian's, on a socket in a folder of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::folder::Killed;
use crate::{Folder, eventually, write_certificate};

/// A running `postgres` with a database of its own; it ends with the value.
#[derive(Debug)]
pub struct PostgresServer {
    process: Option<Killed>,
    programs: PathBuf,
    arguments: Vec<String>,
    folder: Folder,
}

impl PostgresServer {
    /// Starts one with an empty database; `None`, and a word about it, where it is not installed.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_in(Folder::new(), &[])
    }

    /// Starts one that also listens on this port of 127.0.0.1, by TLS alone. The second is the authority of its
    /// certificate, in PEM.
    #[must_use]
    #[track_caller]
    pub fn start_with_tls(port: u16) -> Option<(Self, String)> {
        let folder = Folder::new();
        let roots = write_certificate(&folder.path(""));
        let own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path("key.pem"), own).expect("a file that is ours");
        let path = |name: &str| folder.path(name).display().to_string();
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", path("cert.pem")),
            format!("ssl_key_file={}", path("key.pem")),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Some((Self::start_in(folder, &settings)?, roots))
    }

    #[track_caller]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn start_in(folder: Folder, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: there is no PostgreSQL here (Debian package postgresql)");
            return None;
        };
        if let Some((user, group)) = other_user() {
            for path in ["", "cert.pem", "key.pem"].map(|name| folder.path(name)) {
                // Only a server with TLS has the files.
                let _ = chown(path, Some(user), Some(group));
            }
        }
        let arguments = settings.iter().flat_map(|&one| ["-c".to_owned(), one.to_owned()]);
        let mut server = Self { process: None, programs, arguments: arguments.collect(), folder };
        let made = server
            .command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=portunus", "--encoding=UTF8"])
            .args(["--locale=C", "--pgdata"])
            .arg(server.folder.path("data"))
            .status();
        assert!(made.expect("initdb starts").success(), "initdb makes a database");
        server.run();
        Some(server)
    }

    /// Starts it again after [`Self::kill`], with all that it was told to keep.
    #[track_caller]
    pub fn run(&mut self) {
        let folder = self.folder.path("");
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(&folder)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20"])
            .args(&self.arguments)
            .spawn();
        self.process = Some(Killed(process.expect("postgres starts")));
        eventually("postgres lets users in", || {
            self.query("SELECT 1").is_some_and(|answer| answer == "1")
        });
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://portunus@/postgres?host={}", self.folder.path("").display())
    }

    /// Ends it now, and with it all connections; what was committed stays.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // Its children end with it only when it is asked: `immediate` mode.
        let id = i32::try_from(process.0.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a process has an id"), Signal::QUIT).expect("it runs");
        // It is gone before another one may take its folder.
        let _ = process.0.wait();
    }

    /// Holds it still: connections stay, and nothing is answered.
    #[track_caller]
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on after [`Self::freeze`].
    #[track_caller]
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Tells the server first, which starts no more children then, and each of them.
    #[track_caller]
    fn signal_all(&self, signal: Signal) {
        let id = self.process.as_ref().expect("it runs").0.id();
        let tell = |id: &str| {
            // A child may have ended.
            let id = id.parse().ok().and_then(Pid::from_raw);
            let _ = id.map(|id| kill_process(id, signal));
        };
        tell(&id.to_string());
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        children.expect("Linux lists children").split_whitespace().for_each(tell);
    }

    /// Runs a statement, and gives what it prints; `None` when it fails.
    #[must_use]
    pub fn query(&self, statement: &str) -> Option<String> {
        let port = self.arguments.iter().find_map(|one| one.strip_prefix("port="));
        let port = port.unwrap_or("5432");
        if UnixStream::connect(self.folder.path(&format!(".s.PGSQL.{port}"))).is_err() {
            return None;
        }
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-A", "-t", "-U", "portunus", "-d", "postgres", "-p", port, "-h"])
            .arg(self.folder.path(""))
            .args(["-c", statement])
            .output()
            .expect("psql starts");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    /// One of its programs, which refuse to run as root.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path("")).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((user, group)) = other_user() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where its programs are: Debian keeps those of the server out of the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> =
        versions.flatten().map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rev().find(|folder| folder.join("postgres").is_file())
}

/// User and group of Debian's `postgres`, when we are root.
fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    let line = users.lines().find_map(|line| line.strip_prefix("postgres:x:"))?;
    let mut ids = line.split(':').map(str::parse);
    Some((ids.next()?.ok()?, ids.next()?.ok()?))
}
