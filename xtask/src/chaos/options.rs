//! The command line of `cargo xtask chaos`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::scenario::{self, SCENARIOS, Scenario};
use super::setup::{self, Setup};
use crate::process;

/// What to break, how long, beside whom, and where to write it.
pub(super) struct Options {
    pub scenarios: Vec<&'static Scenario>,
    pub peers: Vec<&'static Setup>,
    pub out: PathBuf,
    pub soak_minutes: u64,
    /// Requests a second; half of what each proxy can do, unless set.
    pub rate: Option<u64>,
    /// The cores of the proxy, as `taskset` takes them; one, unless set.
    pub proxy_cores: Option<String>,
    pub quick: bool,
    pub times: Times,
}

/// How long the parts of a scenario last, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub quiet: u64,
    pub fault: u64,
    /// Many small faults, one after the other.
    pub series: u64,
}

impl Options {
    /// Reads `--name value` pairs and the switch.
    pub(super) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::defaults(args.iter().any(|arg| arg == "--quick"))?;
        let mut words = args.iter().filter(|arg| *arg != "--quick");
        while let Some(word) = words.next() {
            options.set(word, words.next().map(String::as_str))?;
        }
        Ok(options)
    }

    fn defaults(quick: bool) -> Result<Self> {
        let root = process::root()?;
        let times = if quick {
            Times { quiet: 2, fault: 6, series: 6 }
        } else {
            Times { quiet: 10, fault: 30, series: 60 }
        };
        Ok(Self {
            scenarios: SCENARIOS.iter().collect(),
            peers: Vec::new(),
            out: root.join(if quick { "target/chaos" } else { "bench/results" }),
            soak_minutes: if quick { 1 } else { 30 },
            rate: None,
            proxy_cores: None,
            quick,
            times,
        })
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let value = value.with_context(|| format!("{name} needs a value, or is unknown"))?;
        match name {
            "--scenario" => {
                self.scenarios = value.split(',').map(scenario::named).collect::<Result<_>>()?;
            }
            "--peers" => self.peers = value.split(',').map(setup::peer).collect::<Result<_>>()?,
            "--out" => self.out = std::env::current_dir()?.join(value),
            "--soak-minutes" => self.soak_minutes = positive(name, value)?,
            "--rate" => self.rate = Some(positive(name, value)?),
            "--proxy-cores" => self.proxy_cores = Some(value.to_owned()),
            _ => bail!("there is no option {name}; `cargo xtask chaos help` lists them"),
        }
        Ok(())
    }
}

fn positive(name: &str, value: &str) -> Result<u64> {
    let number: u64 = value.parse().with_context(|| format!("{name} {value} is no number"))?;
    if !(1..=MOST).contains(&number) {
        bail!("{name} must be from 1 to {MOST}");
    }
    Ok(number)
}

/// The help text, with the scenarios and peers that there are.
pub(super) fn help() -> String {
    let scenarios: String =
        SCENARIOS.iter().map(|s| format!("  {:<14} {}\n", s.name, s.title)).collect();
    let peers: Vec<_> = setup::SETUPS.iter().skip(1).map(|setup| setup.name).collect();
    format!("{USAGE}\nscenarios:\n{scenarios}\npeers: {}", peers.join(", "))
}

const MOST: u64 = 100_000;
const USAGE: &str = "\
cargo xtask chaos [options]     break things under load, into bench/results/chaos.md

  --scenario a,b      only these (default: all); the page keeps the rows of the others
  --peers a,b         the same for these proxies, where a scenario compares (default: none)
  --soak-minutes N    length of the soak (30)
  --rate N            requests a second (default: half of what each proxy can do here)
  --proxy-cores 0,1   where the proxy runs (default: one core; load and upstreams have the others)
  --quick             short and gentle, to see that it works; into target/chaos/
  --out DIR           where the page goes

  NGINX=, HAPROXY=, PORTUNUS_BIN= name other builds of these programs.
";

#[cfg(test)]
mod tests;
