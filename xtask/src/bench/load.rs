//! The load programs: `wrk` for a closed loop, our own for an open loop and for idle connections.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::launch::{self, Guard};
use crate::process;

/// One run of `wrk`, or of `h2load` for HTTP/2.
pub(super) struct ClosedLoop<'a> {
    pub cores: &'a str,
    pub port: u16,
    pub path: &'a str,
    pub connections: usize,
    pub seconds: u64,
    /// Spreads the requests over so many routes instead of asking for `path`; 0 for not.
    pub routes: usize,
    /// Sends the first so many tokens of a file in turn.
    pub tokens: Option<(std::path::PathBuf, usize)>,
    pub tls: bool,
    /// Streams of a connection, for HTTP/2; 0 for HTTP/1.1.
    pub streams: usize,
}

/// What `wrk` or `h2load` says; zeros for what `h2load` does not know.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Closed {
    pub requests: f64,
    pub requests_per_second: f64,
    pub bytes: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// Why the run does not count: answers other than 2xx and 3xx, errors of connections.
    pub fault: Option<String>,
}

impl ClosedLoop<'_> {
    pub(super) fn run(&self) -> Result<Closed> {
        if self.streams > 0 { self.run_h2load() } else { self.run_wrk() }
    }

    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{}", self.port, self.path)
    }

    fn run_h2load(&self) -> Result<Closed> {
        let mut command = launch::pinned(self.cores, "h2load");
        command.args(["--threads", "1"]);
        command.arg(format!("--clients={}", self.connections));
        command.arg(format!("--max-concurrent-streams={}", self.streams));
        command.arg(format!("--duration={}", self.seconds)).arg(self.url());
        let report = finish(&mut command)?;
        parse_h2load(&report).with_context(|| format!("h2load said:\n{report}"))
    }

    fn run_wrk(&self) -> Result<Closed> {
        let mut command = launch::pinned(self.cores, "wrk");
        command.args(["--latency", "--threads", "1", "--timeout", "30s"]);
        command.arg(format!("--connections={}", self.connections));
        command.arg(format!("--duration={}s", self.seconds));
        if self.routes > 0 {
            let script = process::root()?.join("bench/configs/routes.lua");
            command.arg("--script").arg(script).env("BENCH_ROUTES", self.routes.to_string());
        }
        if let Some((file, count)) = &self.tokens {
            let script = process::root()?.join("bench/configs/tokens.lua");
            command.arg("--script").arg(script).env("BENCH_TOKENS", file);
            command.env("BENCH_TOKEN_COUNT", count.to_string());
        }
        command.arg(self.url());
        let report = finish(&mut command)?;
        parse_wrk(&report).with_context(|| format!("wrk said:\n{report}"))
    }
}

/// Reads the report of `wrk`; lines that it does not know are passed over.
fn parse_wrk(report: &str) -> Result<Closed> {
    let mut closed = Closed::default();
    for line in report.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["50%", time] => closed.p50_us = scaled(time, TIMES_US)?,
            ["99%", time] => closed.p99_us = scaled(time, TIMES_US)?,
            [count, "requests", "in", _, bytes, "read"] => {
                closed.requests = count.parse()?;
                closed.bytes = scaled(bytes, SIZES)?;
            }
            ["Requests/sec:", rate] => closed.requests_per_second = rate.parse()?,
            ["Socket", "errors:", ..] | ["Non-2xx", ..] => closed.fault = Some(line.to_owned()),
            _ => {}
        }
    }
    if closed.requests <= 0.0 {
        bail!("it made no request");
    }
    Ok(closed)
}

/// Reads the report of `h2load`.
fn parse_h2load(report: &str) -> Result<Closed> {
    let mut closed = Closed::default();
    for line in report.lines().map(str::trim) {
        let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["finished", "in", _, rate, "req/s", ..] => {
                closed.requests_per_second = rate.parse()?
            }
            ["requests:", _, "total", _, _, _, _, good, "succeeded", failed, "failed", ..] => {
                closed.requests = good.parse()?;
                if *failed != "0" {
                    closed.fault = Some(line.to_owned());
                }
            }
            // Of the last moment's requests, a head may be counted and its body not.
            ["status", "codes:", _, "2xx", others @ ..]
                if others.iter().step_by(2).any(|count| *count != "0") =>
            {
                closed.fault = Some(line.to_owned());
            }
            _ => {}
        }
    }
    if closed.requests <= 0.0 {
        bail!("it made no request");
    }
    Ok(closed)
}

/// One run of `bench-tls` that shakes hands again and again.
pub(super) struct Handshakes<'a> {
    pub program: &'a std::path::Path,
    pub cores: &'a str,
    pub port: u16,
    pub path: &'a str,
    pub clients: usize,
    pub seconds: u64,
    /// `full` or `resumed`.
    pub mode: &'a str,
}

impl Handshakes<'_> {
    /// How many there were; any that failed or was of the other kind is an error.
    pub(super) fn run(&self) -> Result<f64> {
        let mut command = launch::pinned(self.cores, self.program);
        command.args(["--mode", self.mode, "--path", self.path]);
        command.arg("--to").arg(format!("127.0.0.1:{}", self.port));
        command.arg("--connections").arg(self.clients.to_string());
        command.arg("--seconds").arg(self.seconds.to_string());
        let report = finish(&mut command)?;
        report.trim().parse().with_context(|| format!("bench-tls said:\n{report}"))
    }
}

/// A number with one of the units, for instance `1.5ms`.
fn scaled(text: &str, units: &[(&str, f64)]) -> Result<f64> {
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
        .with_context(|| format!("{text} has no known unit"))
}

/// One run of `bench-load` at a constant rate.
pub(super) struct OpenLoop<'a> {
    pub program: &'a std::path::Path,
    pub cores: &'a str,
    pub port: u16,
    pub path: &'a str,
    pub connections: usize,
    pub seconds: u64,
    pub rate: u64,
}

/// What `bench-load` says.
#[derive(Debug, PartialEq)]
pub(super) struct Open {
    pub requests: f64,
    pub failed: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

impl OpenLoop<'_> {
    pub(super) fn run(&self) -> Result<Open> {
        let mut command = launch::pinned(self.cores, self.program);
        command.args(["--mode", "rate", "--path", self.path]);
        command.arg("--to").arg(format!("127.0.0.1:{}", self.port));
        command.arg("--rate").arg(self.rate.to_string());
        command.arg("--connections").arg(self.connections.to_string());
        command.arg("--seconds").arg(self.seconds.to_string());
        parse_open(&finish(&mut command)?)
    }
}

fn parse_open(report: &str) -> Result<Open> {
    let report: Value = serde_json::from_str(report).context("bench-load wrote no JSON")?;
    let number =
        |name: &str| report.get(name).and_then(Value::as_f64).with_context(|| format!("no {name}"));
    Ok(Open {
        requests: number("requests")?,
        failed: number("failed")?,
        p50_us: number("p50_us")?,
        p99_us: number("p99_us")?,
        p999_us: number("p999_us")?,
    })
}

/// Connections that were used once and are now idle, held until this is dropped.
pub(super) struct Idle(#[expect(dead_code, reason = "held for its drop")] Guard);

impl Idle {
    /// Comes back when every connection has had its answer.
    pub(super) fn open(
        program: &std::path::Path,
        cores: &str,
        port: u16,
        connections: usize,
    ) -> Result<Self> {
        let mut command = launch::pinned(cores, program);
        command.args(["--mode", "idle", "--path", "/1k"]);
        command.arg("--to").arg(format!("127.0.0.1:{port}"));
        command.arg("--connections").arg(connections.to_string());
        let mut guard = Guard::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let output = guard.child().stdout.take().context("no output of bench-load")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("the connections could not all be opened");
        }
        Ok(Self(guard))
    }
}

/// Runs a load program to its end; it ends with us if we end first.
fn finish(command: &mut Command) -> Result<String> {
    let guard = Guard::start(command.stdout(Stdio::piped()))?;
    guard.finish()
}

const TIMES_US: &[(&str, f64)] = &[("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 6e7)];
const SIZES: &[(&str, f64)] = &[
    ("KB", 1024.0),
    ("MB", 1_048_576.0),
    ("GB", 1_073_741_824.0),
    ("TB", 1_099_511_627_776.0),
    ("B", 1.0),
];

#[cfg(test)]
mod tests;
