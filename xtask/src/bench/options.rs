//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::peer::{self, Peer};
use super::scenario::{self, Scenario};
use crate::process;

/// What to measure, how long, and where to write it.
pub(super) struct Options {
    pub scenarios: Vec<&'static Scenario>,
    pub peers: Vec<&'static Peer>,
    pub rounds: usize,
    pub seconds: u64,
    /// Whether each proxy writes an access log.
    pub access_log: bool,
    pub out: PathBuf,
}

impl Options {
    /// Reads `--name value` pairs and the two switches.
    pub(super) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::defaults(args.iter().any(|arg| arg == "--quick"))?;
        let mut words = args.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => {}
                "--no-log" => options.access_log = false,
                name => options.set(name, words.next().map(String::as_str))?,
            }
        }
        Ok(options)
    }

    fn defaults(quick: bool) -> Result<Self> {
        let root = process::root()?;
        Ok(if quick {
            Self {
                scenarios: vec![scenario::named("plain")?],
                peers: named_peers("relay,nginx,haproxy,portunus")?,
                rounds: 2,
                seconds: 3,
                access_log: true,
                out: root.join("target/bench"),
            }
        } else {
            Self {
                scenarios: scenario::SCENARIOS.iter().collect(),
                peers: peer::PEERS.iter().collect(),
                rounds: 5,
                seconds: 5,
                access_log: true,
                out: root.join("bench/results"),
            }
        })
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let value = value.with_context(|| format!("{name} needs a value, or is unknown"))?;
        match name {
            "--scenario" => {
                self.scenarios = value.split(',').map(scenario::named).collect::<Result<_>>()?;
            }
            "--only" => self.peers = named_peers(value)?,
            "--rounds" => self.rounds = positive(name, value)?,
            "--seconds" => self.seconds = u64::try_from(positive(name, value)?)?,
            "--out" => self.out = std::env::current_dir()?.join(value),
            _ => bail!("there is no option {name}; `cargo xtask bench help` lists them"),
        }
        Ok(())
    }
}

fn named_peers(names: &str) -> Result<Vec<&'static Peer>> {
    names.split(',').map(peer::named).collect()
}

fn positive(name: &str, value: &str) -> Result<usize> {
    let number: usize = value.parse().with_context(|| format!("{name} {value} is no number"))?;
    if !(1..=MOST).contains(&number) {
        bail!("{name} must be from 1 to {MOST}");
    }
    Ok(number)
}

/// The help text, with the scenarios and peers that there are.
pub(super) fn help() -> String {
    let scenarios: String =
        scenario::SCENARIOS.iter().map(|s| format!("  {:<10} {}\n", s.name, s.title)).collect();
    let peers: Vec<_> = peer::PEERS.iter().map(|peer| peer.name).collect();
    format!("{USAGE}\nscenarios:\n{scenarios}\npeers: {}", peers.join(", "))
}

const MOST: usize = 1000;
const USAGE: &str = "\
cargo xtask bench [options]     measure beside peers, into bench/results/
cargo xtask bench icount        count instructions of the pure crates with callgrind

  --scenario a,b   only these (default: all)
  --only a,b       only these proxies (default: all that can be had)
  --rounds N       rounds per scenario (5); each runs every proxy once
  --seconds S      length of one measurement (5)
  --no-log         without access logs
  --quick          a first look under a minute: plain, four proxies, into target/bench/
  --out DIR        where the reports go

  NGINX=, HAPROXY=, PORTUNUS_BIN= name other builds of these programs.
";

#[cfg(test)]
mod tests;
