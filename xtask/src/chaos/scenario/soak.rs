//! A long time with reloads and faults: nothing is lost, and memory does not grow.

use std::fs;

use anyhow::{Context as _, Result};

use super::reloads::{SOCKETS, Sockets};
use crate::bench::meter;
use crate::chaos::load::Demand;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::slope::slope;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Trial, seconds_f64};
use crate::chaos::upstream::Upstream;

pub(super) fn soak(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let live = Upstream::start(stage, None)?;
    let plan = Plan {
        upstreams: Upstream::ports(&upstreams),
        live: Some(live.port),
        routes: ROUTES,
        ..Plan::default()
    };
    let proxy = Proxy::start(stage, subject, &plan)?;
    let mut sockets = Sockets::open(stage, proxy.port)?;
    let demand = Demand::steady(proxy.port, subject.rate);
    let seconds = stage.options.soak_minutes * 60;
    let mut soak = Soak { stage, proxy, upstreams, resident_mb: Vec::new() };
    let (trial, ()) = Trial::run(stage, demand, seconds, |fault| {
        for second in 0..seconds {
            fault.wait_until(seconds_f64(second));
            soak.second(second)?;
        }
        Ok(())
    })?;
    let alive = sockets.alive()?;
    let title = format!("{} minutes soak with reloads and faults", stage.options.soak_minutes);
    let row = Row::of(&title, subject.setup.name, &trial, 0..seconds).none_lost();
    let row = row.check(format!("{alive} of {SOCKETS} WebSockets alive"), alive == SOCKETS);
    Ok(vec![soak.judge_memory(row, seconds)])
}

struct Soak<'s> {
    stage: &'s Stage<'s>,
    proxy: Proxy,
    upstreams: Vec<Upstream>,
    /// By the second in which it was measured.
    resident_mb: Vec<(f64, f64)>,
}

impl Soak<'_> {
    /// What happens in one second: each minute the same, with a rest at its end.
    fn second(&mut self, second: u64) -> Result<()> {
        let resident_mb = meter::memory(self.proxy.pid()).resident_kb / 1024.0;
        self.resident_mb.push((seconds_f64(second), resident_mb));
        let stage = self.stage;
        match second % 60 {
            2 => self.upstream(0)?.kill(),
            6 => self.upstream(0)?.start_again(stage)?,
            12 => self.upstream(1)?.stall(),
            16 => self.upstream(1)?.go_on(),
            22 => self.upstream(2)?.behave("garbage")?,
            26 => self.upstream(2)?.behave("fine")?,
            32 => self.upstream(0)?.behave("slow 500")?,
            36 => self.upstream(0)?.behave("fine")?,
            at if at % 5 == 0 => self.proxy.reload()?,
            58 => self.rotate_log(),
            _ => {}
        }
        Ok(())
    }

    fn upstream(&mut self, at: usize) -> Result<&mut Upstream> {
        self.upstreams.get_mut(at).context("too few upstreams")
    }

    /// As a system does each night; here also so that the log does not fill the memory.
    fn rotate_log(&self) {
        let _ = fs::remove_file(self.proxy.access_log());
        self.proxy.signal("USR1");
    }

    /// The growth of the memory after the first third, which is for warming up, by a straight line.
    fn judge_memory(&self, row: Row, seconds: u64) -> Row {
        let from = seconds_f64(seconds / 3);
        let after: Vec<_> =
            self.resident_mb.iter().filter(|(at, _)| *at >= from).copied().collect();
        let growth_mb = slope(&after).unwrap_or(f64::NAN) * (seconds_f64(seconds) - from);
        let at = |point: Option<&(f64, f64)>| point.map_or(f64::NAN, |(_, mb)| *mb);
        let (begin, warm, end) =
            (at(self.resident_mb.first()), at(after.first()), at(after.last()));
        let row = row
            .check(format!("memory grows by {growth_mb:.2} MB, less than 1 MB"), growth_mb < 1.0);
        row.note(format!(
            "RSS {begin:.1} MB at first, {warm:.1} MB after the first third, {end:.1} MB at the end"
        ))
    }
}

const ROUTES: usize = 1000;
