//! A program that was started: orders go to its input, lines come back, and it ends with us.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::reaper::{Note, Reaper};
use crate::bench::launch::{self, Guard};

/// A running program. Dropping it ends it, also when it is stopped.
pub(super) struct Program {
    guard: Guard,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    _note: Note,
}

impl Program {
    /// Starts one whose input and output are ours.
    pub(super) fn talking(reaper: &Reaper, command: &mut Command) -> Result<Self> {
        Self::start(reaper, command.stdin(Stdio::piped()).stdout(Stdio::piped()))
    }

    /// Starts one as the command says.
    pub(super) fn start(reaper: &Reaper, command: &mut Command) -> Result<Self> {
        let mut guard = Guard::start(command)?;
        let note = reaper.note(guard.pid());
        let input = guard.child().stdin.take();
        let output = guard.child().stdout.take().map(BufReader::new);
        Ok(Self { guard, input, output, _note: note })
    }

    pub(super) fn pid(&self) -> u32 {
        self.guard.pid()
    }

    pub(super) fn guard(&mut self) -> &mut Guard {
        &mut self.guard
    }

    /// Sends the signal to the program alone.
    pub(super) fn signal(&self, signal: &str) {
        launch::signal(self.pid(), signal);
    }

    /// SIGKILL, and waits for its end.
    pub(super) fn kill(mut self) {
        self.guard.signal_group("KILL");
        let _ = self.guard.child().wait();
    }

    pub(super) fn order(&mut self, order: &str) -> Result<()> {
        let input = self.input.as_mut().context("the program takes no orders")?;
        writeln!(input, "{order}").context("the program takes no more orders")
    }

    /// The next line that it says.
    pub(super) fn line(&mut self) -> Result<String> {
        let output = self.output.as_mut().context("the program says nothing")?;
        let mut line = String::new();
        output.read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "the program ended too early");
        Ok(line.trim_end().to_owned())
    }

    /// Closes its input, and gives all that it still says until it ends.
    pub(super) fn finish(mut self) -> Result<String> {
        drop(self.input.take());
        let mut text = String::new();
        if let Some(output) = &mut self.output {
            output.read_to_string(&mut text)?;
        }
        let status = self.guard.child().wait()?;
        ensure!(status.success(), "a program of the load failed: {status}");
        Ok(text)
    }

    /// Its standard output, for another program to read.
    pub(super) fn take_output(&mut self) -> Result<ChildStdout> {
        let output = self.output.take().context("its output is not ours")?;
        Ok(output.into_inner())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // TERM waits for a stopped program until that goes on.
        if !self.guard.has_ended() {
            self.guard.signal_group("CONT");
        }
    }
}
