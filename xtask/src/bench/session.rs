//! One run of the command: what was found on this machine, and the rounds.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::certificate::Certificate;
use super::launch::{self, Guard};
use super::machine::Machine;
use super::measure::Outcome;
use super::options::Options;
use super::peer::Installed;
use super::proxy::{NoAnswer, Proxy};
use super::scenario::{Scenario, Variant};
use super::tokens::Tokens;
use super::tools::Tools;
use super::{clock, probe};
use crate::process;

/// Everything that the scenarios share.
pub(super) struct Session<'a> {
    pub options: &'a Options,
    pub tools: Tools,
    pub machine: Machine,
    pub installed: Vec<Installed>,
    origin_port: u16,
    /// The origin that speaks HTTP/2, once a scenario needs it.
    h2_origin: OnceCell<(Guard, u16)>,
    certificate: OnceCell<Certificate>,
    tokens: OnceCell<Tokens>,
    redis: OnceCell<(Guard, u16)>,
    /// Requests a second that a subject reached in a closed loop, by its label.
    pub saturation: RefCell<HashMap<String, f64>>,
    _origin: Guard,
    work: WorkFolder,
}

/// What is measured: a proxy in one of the scenario's variants.
pub(super) struct Subject<'a> {
    pub installed: &'a Installed,
    pub variant: &'static Variant,
}

/// What the rounds gave for one subject.
pub(super) struct Row {
    pub peer: &'static str,
    pub variant: &'static str,
    /// One value per column, per round.
    pub rounds: Vec<Vec<f64>>,
}

impl<'a> Session<'a> {
    /// Builds and installs what is needed, and starts the origin.
    pub(super) fn open(options: &'a Options) -> Result<Self> {
        let machine = Machine::read()?;
        let tools = Tools::prepare()?;
        let mut installed = Vec::new();
        for peer in &options.peers {
            match peer.install(&tools) {
                Ok(found) => installed.push(found),
                Err(error) => eprintln!("left out: {}: {error:#}", peer.name),
            }
        }
        machine.leave_proxy_core()?;
        let origin_port = probe::free_port()?;
        let origin = start_origin(&machine, &tools.origin, origin_port)?;
        let saturation = RefCell::default();
        let work = WorkFolder::create()?;
        Ok(Self {
            options,
            tools,
            machine,
            installed,
            origin_port,
            h2_origin: OnceCell::new(),
            certificate: OnceCell::new(),
            tokens: OnceCell::new(),
            redis: OnceCell::new(),
            saturation,
            _origin: origin,
            work,
        })
    }

    /// The port of the origin that speaks HTTP/1.1, or HTTP/2 without TLS.
    pub(super) fn origin_port(&self, h2: bool) -> Result<u16> {
        if !h2 {
            return Ok(self.origin_port);
        }
        if self.h2_origin.get().is_none() {
            let started = start_h2_origin(&self.machine, &self.work.0)?;
            let _ = self.h2_origin.set(started);
        }
        self.h2_origin.get().map(|(_, port)| *port).context("no HTTP/2 origin")
    }

    /// The certificate of all that end TLS.
    pub(super) fn certificate(&self) -> Result<&Certificate> {
        if self.certificate.get().is_none() {
            let _ = self.certificate.set(Certificate::create(&self.work.0)?);
        }
        self.certificate.get().context("no certificate")
    }

    /// The tokens of all requests that need one.
    pub(super) fn tokens(&self) -> Result<&Tokens> {
        if self.tokens.get().is_none() {
            let _ = self.tokens.set(Tokens::create(&self.tools, &self.work.0)?);
        }
        self.tokens.get().context("no tokens")
    }

    /// The port of a Redis that keeps nothing, once a scenario needs it.
    pub(super) fn redis_port(&self) -> Result<u16> {
        if self.redis.get().is_none() {
            let _ = self.redis.set(start_redis(&self.machine)?);
        }
        self.redis.get().map(|(_, port)| *port).context("no Redis")
    }

    /// The proxy of that name.
    pub(super) fn installed(&self, name: &str) -> Result<&Installed> {
        let found = self.installed.iter().find(|installed| installed.peer.name == name);
        found.with_context(|| format!("{name} is needed as well: add it to --only"))
    }

    /// Runs a scenario: each round measures every subject once, in an order that moves on.
    pub(super) fn run(&self, scenario: &'static Scenario) -> Result<Vec<Row>> {
        eprintln!("\n{}: {}", scenario.name, scenario.title);
        let subjects = self.answering(scenario)?;
        let mut rows: Vec<Row> = subjects.iter().map(Subject::row).collect();
        for round in 0..self.options.rounds {
            for turn in 0..subjects.len() {
                let at = (turn + round) % subjects.len();
                if let (Some(subject), Some(row)) = (subjects.get(at), rows.get_mut(at)) {
                    self.measure(scenario, subject, round, row)?;
                }
            }
        }
        match rows.iter().find(|row| row.rounds.is_empty()) {
            Some(row) => bail!("{}: no round of {} could be used", scenario.name, row.peer),
            None => Ok(rows),
        }
    }

    /// The subjects that give the right answer. One that gives none is left out; one that gives
    /// a wrong one ends the run, because its numbers would mean something else.
    fn answering(&self, scenario: &'static Scenario) -> Result<Vec<Subject<'_>>> {
        let mut subjects = Vec::new();
        for installed in self.installed.iter().filter(|found| (scenario.takes)(found.peer)) {
            let of_peer =
                |variant: &&Variant| variant.only.is_none_or(|only| only == installed.peer.name);
            for variant in scenario.variants.iter().filter(of_peer) {
                let subject = Subject { installed, variant };
                match Proxy::start(self, &subject, scenario) {
                    Ok(_) => subjects.push(subject),
                    Err(error) if error.is::<NoAnswer>() => eprintln!("left out: {error:#}"),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(subjects)
    }

    fn measure(
        &self,
        scenario: &Scenario,
        subject: &Subject<'_>,
        round: usize,
        row: &mut Row,
    ) -> Result<()> {
        let label = subject.label();
        let shown = match (scenario.measure)(self, subject, scenario)? {
            Outcome::Void(fault) => format!("void: {fault}"),
            Outcome::Values(values) => {
                let shown =
                    scenario.columns.iter().zip(&values).map(|(column, value)| {
                        format!("{} {}", column.shown(*value), column.title)
                    });
                let shown = shown.collect::<Vec<_>>().join(", ");
                row.rounds.push(values);
                shown
            }
        };
        eprintln!("  round {}/{} {label:<18} {shown}", round + 1, self.options.rounds);
        Ok(())
    }

    /// A command on the core that the proxies have for themselves.
    pub(super) fn on_proxy_core(&self, program: impl AsRef<OsStr>) -> Command {
        launch::pinned(&self.machine.proxy_core, program)
    }

    /// Where a running proxy keeps its files: in memory, so that no disk is measured.
    pub(super) fn work_folder(&self) -> &Path {
        self.work.path()
    }
}

impl Subject<'_> {
    /// The proxy and, where the scenario has several, the variant.
    pub(super) fn label(&self) -> String {
        match self.variant.name {
            "" => self.installed.peer.name.to_owned(),
            variant => format!("{}, {variant}", self.installed.peer.name),
        }
    }

    fn row(&self) -> Row {
        Row { peer: self.installed.peer.name, variant: self.variant.name, rounds: Vec::new() }
    }
}

/// The origin of nghttp2, with the one file that is asked for.
fn start_h2_origin(machine: &Machine, work: &Path) -> Result<(Guard, u16)> {
    let files = work.join("origin");
    fs::create_dir_all(&files)?;
    fs::write(files.join("1k"), [b'x'; 1024])?;
    let port = probe::free_port()?;
    let mut command = launch::pinned(&machine.load_cores, "nghttpd");
    command.args(["--no-tls", "--address=127.0.0.1", "--htdocs"]).arg(&files);
    command.arg(port.to_string()).stdout(std::process::Stdio::null());
    listening(&mut command, port).context("the HTTP/2 origin")
}

fn start_redis(machine: &Machine) -> Result<(Guard, u16)> {
    let port = probe::free_port()?;
    let mut command = launch::pinned(&machine.load_cores, "redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
    command.arg(port.to_string()).stdout(std::process::Stdio::null());
    listening(&mut command, port).context("Redis")
}

/// Starts a program and waits until it listens.
pub(crate) fn listening(command: &mut Command, port: u16) -> Result<(Guard, u16)> {
    let guard = Guard::start(command)?;
    for _ in 0..ORIGIN_POLLS {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok((guard, port));
        }
        clock::pause(ORIGIN_POLL);
    }
    bail!("it does not listen")
}

fn start_origin(machine: &Machine, program: &Path, port: u16) -> Result<Guard> {
    let mut command = launch::pinned(&machine.load_cores, program);
    command.arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.arg("--threads").arg(machine.load_core_count.to_string());
    let guard = Guard::start(&mut command)?;
    for _ in 0..ORIGIN_POLLS {
        if probe::get(port, "/1k", None)?.is_some() {
            return Ok(guard);
        }
        clock::pause(ORIGIN_POLL);
    }
    bail!("the origin does not answer")
}

/// A folder of this process in memory; those of processes that are gone are removed.
pub(crate) struct WorkFolder(PathBuf);

impl WorkFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn create() -> Result<Self> {
        let parent = if has_room(SHARED_MEMORY) {
            PathBuf::from(SHARED_MEMORY)
        } else {
            eprintln!(
                "{SHARED_MEMORY} is too small; logs go to {}",
                std::env::temp_dir().display()
            );
            std::env::temp_dir()
        };
        remove_left_over(&parent);
        let folder = parent.join(format!("{WORK_PREFIX}{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn has_room(folder: &str) -> bool {
    let Ok(mut df) = process::command("df") else { return false };
    let free = process::output(df.args(["--output=avail", "--block-size=1M", folder]));
    let megabytes = free.ok().and_then(|text| text.lines().last()?.trim().parse::<u64>().ok());
    megabytes.is_some_and(|megabytes| megabytes >= ROOM_MB)
}

fn remove_left_over(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(WORK_PREFIX));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

const SHARED_MEMORY: &str = "/dev/shm";
const WORK_PREFIX: &str = "portunus-bench-";
const ROOM_MB: u64 = 1024;
const ORIGIN_POLLS: usize = 500;
const ORIGIN_POLL: Duration = Duration::from_millis(10);
