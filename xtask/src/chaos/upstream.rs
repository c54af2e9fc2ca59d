//! The upstreams, and what can be done to them.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, bail};

use super::program::Program;
use super::stage::Stage;
use crate::bench::{clock, probe};

/// One upstream on a port of its own.
pub(super) struct Upstream {
    program: Option<Program>,
    pub port: u16,
    bounds: Option<Bounds>,
}

/// What an upstream can do at most.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Requests that it works on at a time.
    pub at_once: usize,
    /// How long it works on each.
    pub service_ms: u64,
}

impl Upstream {
    pub(super) fn start(stage: &Stage<'_>, bounds: Option<Bounds>) -> Result<Self> {
        let mut upstream = Self { program: None, port: probe::free_port()?, bounds };
        upstream.start_again(stage)?;
        Ok(upstream)
    }

    pub(super) fn start_three(stage: &Stage<'_>) -> Result<Vec<Self>> {
        (0..3).map(|_| Self::start(stage, None)).collect()
    }

    pub(super) fn ports(upstreams: &[Self]) -> Vec<u16> {
        upstreams.iter().map(|upstream| upstream.port).collect()
    }

    /// Starts it where it was before.
    pub(super) fn start_again(&mut self, stage: &Stage<'_>) -> Result<()> {
        let mut command = stage.beside(&stage.tools.upstream);
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        if let Some(Bounds { at_once, service_ms }) = self.bounds {
            command.args(["--at-once", &at_once.to_string()]);
            command.args(["--service-ms", &service_ms.to_string()]);
        }
        self.program = Some(Program::talking(&stage.reaper, &mut command)?);
        wait_for(self.port)
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// SIGSTOP: its kernel still takes connections and bytes.
    pub(super) fn stall(&self) {
        self.signal("STOP");
    }

    pub(super) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        if let Some(program) = &self.program {
            program.signal(signal);
        }
    }

    /// `fine`, `garbage` or `slow <ms>`.
    pub(super) fn behave(&mut self, how: &str) -> Result<()> {
        match &mut self.program {
            Some(program) => program.order(how),
            None => bail!("the upstream does not run"),
        }
    }
}

/// Waits until somebody listens on the port.
pub(super) fn wait_for(port: u16) -> Result<()> {
    for _ in 0..POLLS {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        clock::pause(POLL);
    }
    bail!("nobody listens on port {port}")
}

const POLLS: usize = 1000;
const POLL: Duration = Duration::from_millis(5);
