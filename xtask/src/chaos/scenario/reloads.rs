//! Reloads of a large configuration, one after the other, with WebSockets open.

use anyhow::Result;

use crate::chaos::load::Demand;
use crate::chaos::program::Program;
use crate::chaos::proxy::{Plan, Proxy, Subject};
use crate::chaos::row::Row;
use crate::chaos::stage::Stage;
use crate::chaos::trial::{Trial, seconds_f64};
use crate::chaos::upstream::Upstream;

pub(super) fn reloads(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<Vec<Row>> {
    let upstreams = Upstream::start_three(stage)?;
    let routes = if stage.options.quick { 1000 } else { ROUTES };
    let plan = Plan { upstreams: Upstream::ports(&upstreams), routes, ..Plan::default() };
    let mut proxy = Proxy::start(stage, subject, &plan)?;
    let mut sockets = Sockets::open(stage, proxy.port)?;
    let demand = Demand::steady(proxy.port, subject.rate);
    let seconds = stage.options.times.series;
    let wanted = seconds * RELOADS_IN_A_MINUTE / 60;
    let (trial, longest) = Trial::run(stage, demand, seconds, |fault| {
        let mut longest = 0.0_f64;
        for turn in 0..wanted {
            fault.wait_until(seconds_f64(turn) * 60.0 / seconds_f64(RELOADS_IN_A_MINUTE));
            let before = fault.now();
            proxy.reload()?;
            longest = longest.max(fault.now() - before);
        }
        fault.wait();
        Ok((longest, fault.now()))
    })?;
    let (longest, took) = longest;
    let alive = sockets.alive()?;
    let title = format!("{wanted} reloads in {seconds} s, {routes} routes");
    let in_time = took < seconds_f64(seconds) + 1.0;
    let row = Row::of(&title, subject.setup.name, &trial, 0..trial.fault_seconds());
    let row = row.none_lost().within(1.2);
    let row = row.check(format!("{alive} of {SOCKETS} WebSockets alive"), alive == SOCKETS);
    let row = row.check("all reloads done in time", in_time);
    let row = row.check("the last one is in force", proxy.serves_generation(wanted));
    Ok(vec![
        row.note(format!("the longest took {:.0} ms, with writing the file", longest * 1000.0)),
    ])
}

/// WebSockets of a route that does not change.
pub(super) struct Sockets(Program);

impl Sockets {
    pub(super) fn open(stage: &Stage<'_>, port: u16) -> Result<Self> {
        let mut command = stage.beside(&stage.tools.sockets);
        command.args(["--to", &format!("127.0.0.1:{port}"), "--path", "/live/ws"]);
        command.args(["--count", &SOCKETS.to_string()]);
        let mut program = Program::talking(&stage.reaper, &mut command)?;
        let line = program.line()?;
        anyhow::ensure!(line == "ready", "the WebSockets said {line}");
        Ok(Self(program))
    }

    /// How many have answered each time so far, and do now.
    pub(super) fn alive(&mut self) -> Result<usize> {
        self.0.order("ask")?;
        Ok(self.0.line()?.parse()?)
    }
}

pub(super) const SOCKETS: usize = 100;
const ROUTES: usize = 10_000;
const RELOADS_IN_A_MINUTE: u64 = 100;
