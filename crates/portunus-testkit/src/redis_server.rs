//! A real Redis: Debian's `redis-server`, on a socket in a folder of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Folder;
use crate::folder::Killed;

/// A running `redis-server`; it ends with the value.
#[derive(Debug)]
pub struct RedisServer {
    process: Option<Killed>,
    arguments: Vec<String>,
    folder: Folder,
}

impl RedisServer {
    /// Starts one with these arguments more; `None`, and a word about it, where it is not installed.
    #[must_use]
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Option<Self> {
        Self::start_in(Folder::new(), arguments)
    }

    /// As [`Self::start`], with the files of `folder` beside it.
    #[must_use]
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    pub fn start_in(folder: Folder, arguments: &[&str]) -> Option<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { process: None, arguments, folder };
        if Command::new("redis-server").arg("--version").output().is_err() {
            println!("skipped: there is no redis-server here (Debian package redis-server)");
            return None;
        }
        server.run();
        Some(server)
    }

    /// Starts it again after [`Self::kill`], with nothing of what it knew.
    #[track_caller]
    pub fn run(&mut self) {
        let mut process = Command::new("redis-server")
            .current_dir(self.folder.path(""))
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(self.socket())
            .args(&self.arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        self.process = Some(Killed(process));
        let mut lines = output.lines().map_while(Result::ok);
        let is_ready =
            lines.any(|line| line.to_lowercase().contains("ready to accept connections"));
        assert!(is_ready, "redis-server ended with {:?}", self.arguments);
        // Its log goes on.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket())
    }

    /// The path of its socket.
    #[must_use]
    pub fn socket(&self) -> String {
        self.folder.path("redis.sock").display().to_string()
    }

    /// Ends it now.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Holds it still: connections stay, and nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends one command, words parted by blanks, and gives its answer without the framing.
    #[must_use]
    #[track_caller]
    pub fn command(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).expect("redis-server listens");
        // It closes after the second answer.
        write!(stream, "{command}\r\nQUIT\r\n").expect("redis-server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("redis-server answers");
        let answer = answer.trim_end().trim_end_matches("+OK").trim_end();
        match answer.split_once("\r\n") {
            Some((head, bulk)) if head.starts_with('$') => bulk.to_owned(),
            _ => answer.trim_start_matches(['+', ':', '-', '$', '*']).to_owned(),
        }
    }

    /// How often it was asked for the command of this name.
    #[must_use]
    #[track_caller]
    pub fn calls(&self, name: &str) -> u64 {
        let stats = self.command("INFO commandstats");
        let line = stats.lines().find_map(|line| {
            line.strip_prefix("cmdstat_")?.strip_prefix(name)?.strip_prefix(":calls=")
        });
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        let pid = i32::try_from(process.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("a signal to our own process");
    }
}
