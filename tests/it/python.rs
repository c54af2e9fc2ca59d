//! Real clients and servers written in Python, or for Node, from the packages that `cargo xtask test` installs.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use portunus_testkit::DEADLINE;

/// A script that runs. Dropping it ends it.
pub(crate) struct Script {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    arguments: Vec<String>,
}

impl Script {
    /// Starts a Python script with arguments; `None`, after saying so, where its packages are not there.
    pub(crate) fn start(text: &str, arguments: &[&str]) -> Option<Self> {
        let packages = packages("python")?;
        let mut command = Command::new("python3");
        command.args(["-u", "-c", text]).args(arguments).env("PYTHONPATH", packages);
        Some(Self::spawn(command, arguments))
    }

    /// Starts a module for Node; `None`, after saying so, where its packages are not there.
    pub(crate) fn start_node(text: &str) -> Option<Self> {
        let packages = packages("node")?;
        let mut command = Command::new("node");
        command.args(["--input-type=module", "--eval", text]).current_dir(packages);
        Some(Self::spawn(command, &[]))
    }

    fn spawn(mut command: Command, arguments: &[&str]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("what installed the packages was there");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut pipe = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = pipe.read_to_string(&mut text);
            text
        });
        let input = child.stdin.take();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { child, input, lines, errors: Some(errors), arguments }
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE * 3) {
            Ok(line) => line,
            Err(error) => {
                let _ = self.child.kill();
                let errors = self.errors.take().map(|errors| errors.join().unwrap());
                let (arguments, errors) = (&self.arguments, errors.unwrap_or_default());
                panic!("{arguments:?} says no more ({error}): {errors}")
            }
        }
    }

    /// The next line, as JSON.
    #[track_caller]
    pub(crate) fn json(&mut self) -> serde_json::Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }

    /// Gives it a line to read.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the script's input is piped");
        writeln!(input, "{line}").expect("the script reads");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It fails where the script has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a file of the packages, by its path in `target/python` or `target/node`.
pub(crate) fn package_file(language: &str, path: &str) -> Option<String> {
    let file = packages(language)?.join(path);
    let text = std::fs::read_to_string(&file);
    if text.is_err() {
        println!("skipped: no {}; `cargo xtask test` installs it", file.display());
    }
    text.ok()
}

/// `target/python` or `target/node`, when the packages are in it.
fn packages(language: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(3)?.join(language);
    if folder.join("installed.txt").is_file() {
        return Some(folder);
    }
    println!("skipped: no packages for {language}; `cargo xtask test` installs them");
    None
}
