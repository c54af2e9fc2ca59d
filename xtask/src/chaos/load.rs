//! The steady load while it runs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::program::Program;
use super::stage::Stage;
use super::timeline::Timeline;
use crate::bench::clock;

/// What a load asks of whom.
#[derive(Clone, Copy)]
pub(super) struct Demand {
    pub port: u16,
    pub rate: u64,
    pub connections: usize,
    /// When a client goes away, from when its request was due.
    pub timeout_ms: u64,
}

impl Demand {
    /// As most scenarios have it.
    pub(super) fn steady(port: u16, rate: u64) -> Self {
        Self { port, rate, connections: CONNECTIONS, timeout_ms: 5000 }
    }
}

/// A load that has begun.
pub(super) struct Load {
    program: Program,
    began: Instant,
}

impl Load {
    pub(super) fn start(stage: &Stage<'_>, demand: Demand, seconds: u64) -> Result<Self> {
        let mut command = stage.beside(&stage.tools.steady);
        command.args(["--mode", "open", "--path", "/1k", "--seconds", &seconds.to_string()]);
        command.args(["--rate", &demand.rate.to_string()]).args(to(demand));
        let mut program = Program::talking(&stage.reaper, &mut command)?;
        let line = program.line()?;
        ensure!(line == "started", "the load said {line}");
        Ok(Self { program, began: clock::now() })
    }

    /// Lets time pass until so many seconds of the load are over.
    pub(super) fn wait_until(&self, second: f64) {
        let wanted = Duration::from_secs_f64(second);
        clock::pause(wanted.saturating_sub(self.began.elapsed()));
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Waits for its end.
    pub(super) fn finish(self) -> Result<Timeline> {
        Timeline::parse(&self.program.finish()?)
    }
}

/// Good answers a second, when the next request of a connection comes as soon as it can.
pub(super) fn closed_loop(stage: &Stage<'_>, demand: Demand, seconds: u64) -> Result<u64> {
    let mut command = stage.beside(&stage.tools.steady);
    command.args(["--mode", "closed", "--path", "/1k", "--seconds", &seconds.to_string()]);
    command.args(to(demand));
    Ok(Program::talking(&stage.reaper, &mut command)?.finish()?.trim().parse()?)
}

fn to(demand: Demand) -> [String; 6] {
    let Demand { port, connections, timeout_ms, .. } = demand;
    [
        "--to".to_owned(),
        format!("127.0.0.1:{port}"),
        "--connections".to_owned(),
        connections.to_string(),
        "--timeout-ms".to_owned(),
        timeout_ms.to_string(),
    ]
}

const CONNECTIONS: usize = 64;
