//! One steady load, first over a quiet time, then over a fault.

use std::ops::Range;

use anyhow::Result;

use super::load::{Demand, Load};
use super::stage::Stage;
use super::timeline::{Timeline, Window};

/// What a load found.
pub(super) struct Trial {
    pub rate: u64,
    timeline: Timeline,
    quiet: Range<u64>,
    /// The seconds of the fault.
    pub fault: Range<u64>,
}

/// The time of a trial while it runs, counted from the beginning of the fault.
pub(super) struct Fault<'l> {
    load: &'l Load,
    from: u64,
    /// How long it lasts.
    pub seconds: u64,
}

impl Trial {
    /// Puts the load on, waits through the quiet time, and lets `fault` happen. What `fault` gives back
    /// is kept alive until the load has ended.
    pub(super) fn run<T>(
        stage: &Stage<'_>,
        demand: Demand,
        seconds: u64,
        fault: impl FnOnce(&Fault<'_>) -> Result<T>,
    ) -> Result<(Self, T)> {
        let from = WARM_UP + stage.options.times.quiet;
        let load = Load::start(stage, demand, from + seconds)?;
        load.wait_until(seconds_f64(from));
        let left = fault(&Fault { load: &load, from, seconds })?;
        let timeline = load.finish()?;
        let (quiet, fault) = (WARM_UP..from, from..from + seconds);
        Ok((Self { rate: demand.rate, timeline, quiet, fault }, left))
    }

    pub(super) fn quiet(&self) -> Window {
        self.timeline.window(self.quiet.clone())
    }

    /// The requests from some second of the fault to another.
    pub(super) fn during(&self, part: Range<u64>) -> Window {
        self.timeline.window(self.seconds_of(&part))
    }

    pub(super) fn worst_p99_us(&self, part: Range<u64>) -> u64 {
        self.timeline.worst_p99_us(self.seconds_of(&part))
    }

    fn seconds_of(&self, part: &Range<u64>) -> Range<u64> {
        let from = self.fault.start;
        from + part.start..(from + part.end).min(self.fault.end)
    }

    pub(super) fn fault_seconds(&self) -> u64 {
        self.fault.end - self.fault.start
    }
}

impl Fault<'_> {
    /// Lets time pass until so many seconds of the fault are over.
    pub(super) fn wait_until(&self, second: f64) {
        self.load.wait_until(seconds_f64(self.from) + second);
    }

    /// Until its end.
    pub(super) fn wait(&self) {
        self.wait_until(seconds_f64(self.seconds));
    }

    /// How many seconds of the fault are over.
    pub(super) fn now(&self) -> f64 {
        self.load.seconds() - seconds_f64(self.from)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of seconds")]
pub(super) fn seconds_f64(seconds: u64) -> f64 {
    seconds as f64
}

/// The first second opens connections, and tells nothing.
const WARM_UP: u64 = 1;
