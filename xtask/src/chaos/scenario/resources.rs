//! What the machine gives runs out.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::hostile;
use crate::chaos::load::Demand;
use crate::chaos::program::Program;
use crate::chaos::proxy::{Log, Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Fault, Trial, seconds_f64};
use crate::chaos::upstream::Upstream;
use crate::process;

pub(super) fn disk_full(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let proxy = start(stage, subject, &upstreams, Log::SmallDisk(DISK_MB))?;
    judged(stage, subject, "the disk of the access log is full", &proxy, |fault| {
        // The disk is mounted where only the proxy sees it.
        let log = proxy.access_log();
        let log = log.strip_prefix("/").context("the log's path is relative")?;
        let seen = Path::new("/proc").join(proxy.pid().to_string()).join("root").join(log);
        let filled = fill(&seen.with_file_name("filler"))?;
        fault.wait();
        Ok(format!("{} MiB were left, then none", filled / 1024 / 1024))
    })
}

/// Writes until there is no room.
fn fill(file: &Path) -> Result<u64> {
    let mut filler = File::create(file).context("the proxy's disk cannot be reached")?;
    let block = vec![0; 64 * 1024];
    while filler.write_all(&block).is_ok() {}
    Ok(filler.metadata()?.len())
}

pub(super) fn log_gone(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let mut proxy = start(stage, subject, &upstreams, Log::Pipe)?;
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::from(proxy.take_output()?)).stdout(Stdio::null());
    let reader = Program::start(&stage.reaper, &mut cat)?;
    // Else the other end of the pipe would stay open here.
    drop(cat);
    judged(stage, subject, "the reader of the access log is gone", &proxy, |_| {
        reader.kill();
        Ok("its pipe has no other end".to_owned())
    })
}

pub(super) fn fd_limit(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let proxy = start(stage, subject, &upstreams, Log::Memory)?;
    judged(stage, subject, "no file descriptor left", &proxy, |fault| {
        let open = fs::read_dir(format!("/proc/{}/fd", proxy.pid()))?.count();
        let limit = open + FILES_LEFT;
        let mut prlimit = process::command("prlimit")?;
        prlimit.arg(format!("--pid={}", proxy.pid())).arg(format!("--nofile={limit}:{limit}"));
        process::output(&mut prlimit)?;
        let crowd = hostile::attack(stage, proxy.port, "slowloris", CROWD)?;
        fault.wait();
        crowd.finish()?;
        Ok(format!("{open} files open, {limit} allowed, {CROWD} more connections"))
    })
}

/// Only the wall clock that the proxy sees steps, not that of the machine.
pub(super) fn clock_steps(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let plan = Plan { upstreams: Upstream::ports(&upstreams), own_clock: true, ..Plan::default() };
    let proxy = Proxy::start(stage, subject, &plan)?;
    let mut seen = 0;
    let steps = [DAY, -DAY, 2 * DAY, 0];
    let rows = judged(stage, subject, "the clock steps", &proxy, |fault| {
        let share = seconds_f64(fault.seconds) / 4.0;
        for (at, seconds) in (1..).zip(steps) {
            proxy.set_clock(seconds)?;
            fault.wait_until(share * f64::from(at));
            seen += usize::from((logged_day(&proxy)? == today()?) == (seconds == 0));
        }
        Ok(format!("by {steps:?} s from the true time, one after the other"))
    })?;
    let pid = proxy.pid();
    drop(proxy);
    // What libfaketime leaves behind.
    for name in ["faketime_shm", "sem.faketime_sem"] {
        let _ = fs::remove_file(format!("/dev/shm/{name}_{pid}"));
    }
    let what = format!("{seen} of {} steps seen in the access log", steps.len());
    let check = |row: Row| row.check(what.clone(), seen == steps.len());
    Ok(rows.into_iter().map(check).collect())
}

/// The day of the latest line of the access log.
fn logged_day(proxy: &Proxy) -> Result<String> {
    let log = fs::read_to_string(proxy.access_log())?;
    let time = log.lines().last().and_then(|line| line.strip_prefix(r#"{"time":""#));
    Ok(time.and_then(|time| time.get(..10)).context("no time in the access log")?.to_owned())
}

fn today() -> Result<String> {
    Ok(process::output(process::command("date")?.args(["-u", "+%Y-%m-%d"]))?.trim().to_owned())
}

fn start(
    stage: &Stage<'_>,
    subject: &Subject<'_>,
    upstreams: &[Upstream],
    log: Log,
) -> Result<Proxy> {
    let plan = Plan { upstreams: Upstream::ports(upstreams), log, ..Plan::default() };
    Proxy::start(stage, subject, &plan)
}

/// A trial with a fault, which tells what it did.
fn judged(
    stage: &Stage<'_>,
    subject: &Subject<'_>,
    title: &str,
    proxy: &Proxy,
    fault: impl FnOnce(&Fault<'_>) -> Result<String>,
) -> Result<Vec<Row>> {
    let demand = Demand::steady(proxy.port, subject.rate);
    let seconds = stage.options.times.fault.max(SECONDS_MIN);
    let (trial, did) = Trial::run(stage, demand, seconds, fault)?;
    let row = Row::of(title, subject.setup.name, &trial, 0..trial.fault_seconds());
    Ok(vec![row.none_lost().note(did)])
}

/// What is tried here takes some seconds to be noticed.
const SECONDS_MIN: u64 = 12;
const DAY: i64 = 24 * 60 * 60;
const DISK_MB: u64 = 512;
const FILES_LEFT: usize = 20;
const CROWD: u64 = 500;
