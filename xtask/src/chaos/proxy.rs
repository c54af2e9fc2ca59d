//! One proxy while it runs, and what can be done to it. The configuration of all of them is in
//! `bench/configs/chaos/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::program::Program;
use super::setup::{Reload, Setup};
use super::stage::Stage;
use super::template::Values;
use crate::bench::peer::Installed;
use crate::bench::probe::{self, Answer};
use crate::bench::{clock, launch};
use crate::process;

/// A kind of proxy that is on this machine, with the load that it gets.
pub(super) struct Subject<'s> {
    pub setup: &'static Setup,
    pub installed: &'s Installed,
    pub rate: u64,
}

/// What a proxy stands for in a scenario.
#[derive(Clone, Default)]
pub(super) struct Plan {
    /// The ports of its upstreams.
    pub upstreams: Vec<u16>,
    /// The port of the upstream of WebSockets, which nothing happens to; the first one, unless set.
    pub live: Option<u16>,
    pub routes: usize,
    /// How many requests each upstream gets at once; unbounded unless set.
    pub at_once: Option<usize>,
    /// The port of the Redis that holds the limits.
    pub redis: Option<u16>,
    pub log: Log,
    /// Its wall clock is what a file says, see [`Proxy::set_clock`].
    pub own_clock: bool,
}

/// Where the access log goes.
#[derive(Clone, Default)]
pub(super) enum Log {
    #[default]
    Memory,
    /// A file on a disk of this many MiB that only the proxy sees.
    SmallDisk(u64),
    /// A pipe to a program that reads it.
    Pipe,
}

/// A proxy that has answered its first request. Dropping it ends it.
pub(super) struct Proxy {
    program: Program,
    setup: &'static Setup,
    values: Values,
    folder: PathBuf,
    pub port: u16,
    generation: u64,
}

impl Proxy {
    /// Starts it and waits for its first right answer.
    pub(super) fn start(stage: &Stage<'_>, subject: &Subject<'_>, plan: &Plan) -> Result<Self> {
        let setup = subject.setup;
        let folder = stage.folder(setup.name)?;
        let (port, admin_port) = (probe::free_port()?, probe::free_port()?);
        let values = values(plan, &folder, port, admin_port);
        write_configs(setup, &values, &folder, 0)?;
        let mut command = command(stage, subject, plan, &folder);
        command.args(setup.args.iter().map(|word| values.fill_words(word)));
        if plan.own_clock {
            give_clock(&mut command, &folder)?;
        }
        command.current_dir(&folder).env("GOMAXPROCS", "1").env("HOME", &folder);
        command.stderr(File::create(folder.join("stderr.log"))?);
        match plan.log {
            Log::Pipe => command.stdout(Stdio::piped()),
            _ => command.stdout(File::create(folder.join("stdout.log"))?),
        };
        let program = Program::start(&stage.reaper, &mut command)?;
        let mut proxy = Self { program, setup, values, folder, port, generation: 0 };
        proxy.wait().with_context(|| format!("{}: {}", setup.name, proxy.last_words()))?;
        Ok(proxy)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = clock::now();
        while begun.elapsed() < START_MAX {
            if self.status("/1k") == Some(200) {
                return Ok(());
            }
            if self.program.guard().has_ended() {
                bail!("it ended before its first answer");
            }
            clock::pause(POLL);
        }
        bail!("no good answer came")
    }

    /// The status of an answer to `path`; `None` without any.
    pub(super) fn status(&self, path: &str) -> Option<u16> {
        let answer: Option<Answer> = probe::get(self.port, path, None).ok().flatten();
        answer.map(|answer| answer.status)
    }

    /// The process that was started.
    pub(super) fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// The process that accepts now, by the pid file.
    pub(super) fn accepting_pid(&self) -> Option<u32> {
        fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("portunus.pid")
    }

    pub(super) fn access_log(&self) -> PathBuf {
        log_file(&self.folder)
    }

    pub(super) fn take_output(&mut self) -> Result<ChildStdout> {
        self.program.take_output()
    }

    /// SIGKILL.
    pub(super) fn kill(mut self) {
        self.program.guard().signal_group("KILL");
    }

    /// Sends the signal to the process that was started, alone.
    pub(super) fn signal(&self, signal: &str) {
        self.program.signal(signal);
    }

    /// Puts the wall clock of a proxy that has its own away from ours, within a second or two.
    pub(super) fn set_clock(&self, seconds: i64) -> Result<()> {
        Ok(fs::write(clock_file(&self.folder), format!("{seconds:+}"))?)
    }

    /// Changes one route in its files and makes it read them.
    pub(super) fn reload(&mut self) -> Result<()> {
        self.generation += 1;
        write_configs(self.setup, &self.values, &self.folder, self.generation)?;
        match self.setup.reload {
            Reload::Signal(signal) => self.program.signal(signal),
            Reload::Watch => {}
        }
        Ok(())
    }

    /// Whether it answers by the configuration of that reload.
    pub(super) fn serves_generation(&self, generation: u64) -> bool {
        let begun = clock::now();
        while begun.elapsed() < RELOAD_MAX {
            // Only the configuration of that reload answers this path itself.
            let status = self.status(&format!("/generation/{generation}"));
            if status.is_some_and(|status| status != 200) {
                return true;
            }
            clock::pause(POLL);
        }
        false
    }

    /// The last line that it wrote to its standard error or error log.
    fn last_words(&self) -> String {
        let said = ["stderr.log", "error.log", "stdout.log"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.folder.join(name)).ok())
            .find_map(|text| Some(text.lines().rfind(|line| !line.trim().is_empty())?.to_owned()));
        said.unwrap_or_else(|| "it said nothing".to_owned())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A process that took over is not the one that was started.
        if let Some(heir) = self.accepting_pid().filter(|pid| *pid != self.program.pid()) {
            launch::signal(heir, "TERM");
            for _ in 0..STOP_POLLS {
                if !Path::new(&format!("/proc/{heir}")).exists() {
                    break;
                }
                clock::pause(POLL);
            }
            self.program.guard().signal_group("KILL");
        }
    }
}

fn values(plan: &Plan, folder: &Path, port: u16, admin_port: u16) -> Values {
    let at_once_all = plan.at_once.map(|each| each * plan.upstreams.len());
    let mut values = Values::default();
    values.word("PORT", port).word("ADMIN", admin_port).word("DIR", folder.display());
    values.word("LIVE", plan.live.or_else(|| plan.upstreams.first().copied()).unwrap_or_default());
    values.word("REQUESTS_MAX", at_once_all.unwrap_or(16_384));
    values.word("LIMIT", if plan.at_once.is_some() { "limit, " } else { "" });
    values.word(
        "LOG",
        match plan.log {
            Log::Pipe => "stdout".to_owned(),
            _ => log_file(folder).display().to_string(),
        },
    );
    values.list("upstream", &plan.upstreams).list("route", 0..plan.routes);
    values.list("at_once", plan.at_once).list("at_once_all", at_once_all);
    values.list("redis", plan.redis);
    values
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("log/access.log")
}

/// The program on the proxy's cores; with a small disk, within a mount namespace of its own.
fn command(stage: &Stage<'_>, subject: &Subject<'_>, plan: &Plan, folder: &Path) -> Command {
    let program = &subject.installed.program;
    let Log::SmallDisk(megabytes) = plan.log else { return stage.on_proxy_cores(program) };
    let mut command = stage.on_proxy_cores("unshare");
    command.args(["--mount", "sh", "-c", MOUNT_AND_RUN, "sh", &megabytes.to_string()]);
    command.arg(folder.join("log")).arg(program);
    command
}

/// A wall clock that a file moves; the monotonic one is left as it is.
fn give_clock(command: &mut Command, folder: &Path) -> Result<()> {
    ensure!(Path::new(FAKETIME).is_file(), "libfaketime is not installed");
    fs::write(clock_file(folder), "+0")?;
    command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", clock_file(folder));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
    Ok(())
}

fn clock_file(folder: &Path) -> PathBuf {
    folder.join("clock")
}

/// Writes each file beside its place first, so that nobody reads half of one.
fn write_configs(setup: &Setup, values: &Values, folder: &Path, generation: u64) -> Result<()> {
    let templates = process::root()?.join("bench/configs/chaos");
    let mut values = values.clone();
    values.word("GENERATION", generation);
    for name in setup.configs {
        let template = fs::read_to_string(templates.join(name))
            .with_context(|| format!("cannot read bench/configs/chaos/{name}"))?;
        let beside = folder.join(format!(".{name}"));
        fs::write(&beside, values.fill(&template))?;
        fs::rename(beside, folder.join(name))?;
    }
    Ok(())
}

/// Where Debian puts it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const START_MAX: Duration = Duration::from_secs(30);
const RELOAD_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
const STOP_POLLS: usize = 600;
const MOUNT_AND_RUN: &str = r#"
size=$1 folder=$2
shift 2
mount -t tmpfs -o "size=${size}m" none "$folder" && exec "$@""#;
