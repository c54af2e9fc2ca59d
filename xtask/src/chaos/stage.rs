//! What all scenarios of a run share: the machine, the programs, the folder, the measured capacity.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Error, Result};

use super::load::{self, Demand};
use super::options::Options;
use super::proxy::{Plan, Proxy, Subject};
use super::reaper::Reaper;
use super::setup::{SETUPS, Setup};
use super::upstream::Upstream;
use crate::bench::launch;
use crate::bench::machine::Machine;
use crate::bench::peer::{self, Installed};
use crate::bench::session::WorkFolder;
use crate::bench::tools::Tools;
use crate::process;

/// The stage of one run.
pub(super) struct Stage<'a> {
    pub options: &'a Options,
    pub tools: Tools,
    pub reaper: Reaper,
    machine: Machine,
    installed: Vec<(&'static Setup, Installed)>,
    /// Good answers a second of each proxy.
    capacities: RefCell<HashMap<&'static str, u64>>,
    folders: Cell<usize>,
    work: WorkFolder,
}

impl<'a> Stage<'a> {
    /// Builds and installs what is needed. A peer that cannot be had is left out.
    pub(super) fn open(options: &'a Options) -> Result<Self> {
        let machine = Machine::read()?;
        let tools = Tools::prepare()?;
        let mut installed = Vec::new();
        for setup in SETUPS.iter().take(1).chain(options.peers.iter().copied()) {
            match peer::named(setup.name).and_then(|peer| peer.install(&tools)) {
                Ok(found) => installed.push((setup, found)),
                Err(error) => eprintln!("left out: {}: {error:#}", setup.name),
            }
        }
        if options.proxy_cores.is_none() {
            machine.leave_proxy_core()?;
        }
        let work = WorkFolder::create()?;
        let reaper = Reaper::start(work.path())?;
        let (capacities, folders) = (RefCell::default(), Cell::new(0));
        Ok(Self { options, tools, reaper, machine, installed, capacities, folders, work })
    }

    /// Portunus, with half of the load that it can take.
    pub(super) fn portunus(&self) -> Result<Subject<'_>> {
        let (setup, installed) = self.installed.first().context("no portunus")?;
        let rate = self.half_of_capacity(setup, installed)?;
        Ok(Subject { setup, installed, rate })
    }

    /// Portunus and the peers, all with the same load: half of what the weakest can take. Those that
    /// do not work come second, with the reason.
    pub(super) fn compared(&self) -> (Vec<Subject<'_>>, Vec<(&'static str, Error)>) {
        let (mut subjects, mut absent) = (Vec::new(), Vec::new());
        for (setup, installed) in &self.installed {
            match self.half_of_capacity(setup, installed) {
                Ok(rate) => subjects.push(Subject { setup, installed, rate }),
                Err(error) => absent.push((setup.name, error)),
            }
        }
        let rate = subjects.iter().map(|subject| subject.rate).min().unwrap_or_default();
        (subjects.into_iter().map(|subject| Subject { rate, ..subject }).collect(), absent)
    }

    fn half_of_capacity(&self, setup: &'static Setup, installed: &Installed) -> Result<u64> {
        if let Some(rate) = self.options.rate {
            return Ok(rate);
        }
        let known = self.capacities.borrow().get(setup.name).copied();
        let capacity = match known {
            Some(capacity) => capacity,
            None => self.measure_capacity(setup, installed)?,
        };
        let most = if self.options.quick { QUICK_RATE_MAX } else { u64::MAX };
        Ok((capacity / 2).clamp(1, most))
    }

    fn measure_capacity(&self, setup: &'static Setup, installed: &Installed) -> Result<u64> {
        let upstreams = Upstream::start_three(self)?;
        let plan = Plan { upstreams: Upstream::ports(&upstreams), ..Plan::default() };
        let proxy = Proxy::start(self, &Subject { setup, installed, rate: 0 }, &plan)?;
        let seconds = if self.options.quick { 1 } else { CAPACITY_SECONDS };
        let capacity = load::closed_loop(self, Demand::steady(proxy.port, 0), seconds)?;
        eprintln!("{} can answer {capacity} requests a second here", setup.name);
        self.capacities.borrow_mut().insert(setup.name, capacity);
        Ok(capacity)
    }

    /// A command on the cores of the proxies.
    pub(super) fn on_proxy_cores(&self, program: impl AsRef<OsStr>) -> Command {
        let cores = self.options.proxy_cores.as_ref().unwrap_or(&self.machine.proxy_core);
        launch::pinned(cores, program)
    }

    /// A command on the cores of load and upstreams.
    pub(super) fn beside(&self, program: impl AsRef<OsStr>) -> Command {
        let shared = self.options.proxy_cores.as_ref();
        launch::pinned(shared.unwrap_or(&self.machine.load_cores), program)
    }

    /// A new folder in memory, with a folder for logs.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        self.folders.set(self.folders.get() + 1);
        let folder = self.work.path().join(format!("{name}-{}", self.folders.get()));
        fs::create_dir_all(folder.join("log"))?;
        Ok(folder)
    }

    /// What a reader needs to judge the rows or to make them again.
    pub(super) fn circumstances(&self, args: &[String]) -> Result<String> {
        let date = process::output(process::command("date")?.args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
        let versions = self.installed.iter().map(|(setup, installed)| {
            let version = installed.version.trim_start_matches(setup.name).trim();
            format!("{} {version}", setup.name)
        });
        let capacities = self.capacities.borrow();
        let mut can: Vec<_> = capacities.iter().map(|(name, n)| format!("{name} {n}/s")).collect();
        can.sort();
        Ok([
            date.trim().to_owned(),
            format!("`{}`", [&["cargo xtask chaos".to_owned()], args].concat().join(" ")),
            self.machine.description.clone(),
            versions.collect::<Vec<_>>().join(", "),
            format!(
                "measured capacity: {}",
                if can.is_empty() { "-".to_owned() } else { can.join(", ") }
            ),
        ]
        .join("; "))
    }
}

const CAPACITY_SECONDS: u64 = 4;
/// A debug build on a busy machine can do this.
const QUICK_RATE_MAX: u64 = 300;
