//! What a program is started with.

use std::fmt::Display;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::Program;
use crate::{Folder, Identity};

/// A configuration with its places, and the files beside it.
///
/// Unless the configuration says something else, there is one listener `web` on a free port of
/// 127.0.0.1, the admin listener on another, and one worker, so that tests know which pool a
/// connection is in.
#[derive(Debug)]
pub struct Setup {
    config: String,
    places: Vec<(String, String)>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    folder: Folder,
    socket: Option<OwnedFd>,
    launcher: Vec<String>,
}

impl Setup {
    pub(super) fn new(config: &str) -> Self {
        let config = config.to_owned();
        let (places, arguments, variables, launcher) = Default::default();
        Self { config, places, arguments, variables, folder: Folder::new(), socket: None, launcher }
    }

    /// Puts `value` wherever the configuration has `{name}`.
    #[must_use]
    pub fn fill(mut self, name: &str, value: impl Display) -> Self {
        self.places.push((format!("{{{name}}}"), value.to_string()));
        self
    }

    /// Adds a file beside the configuration.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        self.folder.write(name, text);
        self
    }

    /// Adds a certificate `{name}.pem` and its key `{name}.key` beside the configuration.
    #[must_use]
    pub fn identity(self, name: &str, identity: &Identity) -> Self {
        self.folder.write_identity(name, identity);
        self
    }

    /// Lets every user of the system look into its folder.
    #[must_use]
    #[track_caller]
    pub fn open_to_all(self) -> Self {
        let all = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(""), all).expect("a folder that is ours");
        self
    }

    /// Adds an argument to `portunus run`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives it a listening socket, as a service manager does.
    #[must_use]
    pub fn socket(mut self, socket: impl Into<OwnedFd>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    /// Has it started by another program that becomes it, with these arguments before its own path: `ip netns exec a`.
    #[must_use]
    pub fn launched_by(mut self, command: &str) -> Self {
        self.launcher = command.split_whitespace().map(str::to_owned).collect();
        self
    }

    /// Starts the program and waits until it is ready.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Program {
        self.write_config(&self.config);
        Program::start(self.argument("-c").argument("portunus.yaml"))
    }

    /// Starts the program with its arguments alone, without a configuration.
    #[must_use]
    #[track_caller]
    pub fn start_without_file(self) -> Program {
        Program::start(self)
    }

    /// Writes a configuration as `portunus.yaml`.
    pub(super) fn write_config(&self, text: &str) {
        let mut text = text.to_owned();
        for (place, value) in &self.places {
            text = text.replace(place, value);
        }
        for (key, line) in DEFAULTS {
            if !text.lines().any(|line| line.starts_with(key)) {
                // At the end, so that the lines of the test keep their numbers.
                text.push_str(line);
            }
        }
        self.folder.write("portunus.yaml", &text);
    }

    pub(super) fn command(&self) -> Command {
        match &self.socket {
            Some(socket) => self.folder.command_with(socket.try_clone().expect("a file number")),
            None => self.folder.command_by(&self.launcher),
        }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

const DEFAULTS: [(&str, &str); 3] = [
    ("listeners:", "\nlisteners: {web: \"127.0.0.1:0\"}\n"),
    ("admin:", "\nadmin: \"127.0.0.1:0\"\n"),
    ("workers:", "\nworkers: 1\n"),
];
