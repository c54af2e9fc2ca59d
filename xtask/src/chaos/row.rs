//! One line of the page: what a fault did, beside what it was allowed to do.

use std::ops::Range;

use serde_json::{Value, json};

use super::timeline::Window;
use super::trial::Trial;

/// A line of the table.
pub(super) struct Row {
    fault: String,
    proxy: String,
    numbers: Option<Numbers>,
    /// How many may be lost, and how many times the quiet p99 is allowed.
    lost_max: Option<u64>,
    ratio_max: Option<f64>,
    checks: Vec<Check>,
    notes: Vec<String>,
    compared: bool,
}

struct Numbers {
    rate: u64,
    window: Window,
    quiet_us: Option<u64>,
    fault_us: Option<u64>,
    worst_us: u64,
}

/// A demand that the numbers do not show.
struct Check {
    what: String,
    holds: bool,
}

impl Row {
    /// The requests of these seconds of the fault, and their p99 too.
    pub(super) fn of(fault: &str, proxy: &str, trial: &Trial, part: Range<u64>) -> Self {
        Self::with_p99_of(fault, proxy, trial, part.clone(), part)
    }

    /// The requests of these seconds of the fault, with the p99 of those.
    pub(super) fn with_p99_of(
        fault: &str,
        proxy: &str,
        trial: &Trial,
        lost_in: Range<u64>,
        p99_of: Range<u64>,
    ) -> Self {
        Self::new(
            fault,
            proxy,
            Some(Numbers {
                rate: trial.rate,
                quiet_us: trial.quiet().quantile_us(0.99),
                fault_us: trial.during(p99_of).quantile_us(0.99),
                worst_us: trial.worst_p99_us(lost_in.clone()),
                window: trial.during(lost_in),
            }),
        )
    }

    /// A line over requests of more loads than that of the trial, `rate` a second in all.
    pub(super) fn of_window(
        fault: &str,
        proxy: &str,
        trial: &Trial,
        rate: u64,
        window: Window,
    ) -> Self {
        Self::new(
            fault,
            proxy,
            Some(Numbers {
                rate,
                quiet_us: trial.quiet().quantile_us(0.99),
                fault_us: window.quantile_us(0.99),
                worst_us: trial.worst_p99_us(0..trial.fault_seconds()),
                window,
            }),
        )
    }

    /// A line for what was not tried, or could not be, with the reason.
    pub(super) fn not_shown(fault: &str, proxy: &str, why: &str) -> Self {
        Self::new(fault, proxy, None).note(why)
    }

    fn new(fault: &str, proxy: &str, numbers: Option<Numbers>) -> Self {
        Self {
            fault: fault.to_owned(),
            proxy: proxy.to_owned(),
            numbers,
            lost_max: None,
            ratio_max: None,
            checks: Vec::new(),
            notes: Vec::new(),
            compared: false,
        }
    }

    /// Demands that no request is lost.
    pub(super) fn none_lost(mut self) -> Self {
        self.lost_max = Some(0);
        self
    }

    /// Demands that p99 stays within so many times the quiet one.
    pub(super) fn within(mut self, ratio: f64) -> Self {
        self.ratio_max = Some(ratio);
        self
    }

    /// Demands something else.
    pub(super) fn check(mut self, what: impl Into<String>, holds: bool) -> Self {
        self.checks.push(Check { what: what.into(), holds });
        self
    }

    /// Says something that is no demand.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Puts it into the table side by side.
    pub(super) fn compared(mut self) -> Self {
        self.compared = true;
        self
    }

    /// Whether all demands hold; `None` where nothing was tried.
    pub(super) fn reached(&self) -> Option<bool> {
        let numbers = self.numbers.as_ref()?;
        let lost = self.lost_max.is_none_or(|most| numbers.window.lost_in_all() <= most);
        let slow = self.ratio_max.is_none_or(|most| numbers.ratio().is_some_and(|it| it <= most));
        Some(lost && slow && numbers.window.good > 0 && self.checks.iter().all(|it| it.holds))
    }

    fn goal(&self) -> String {
        let lost = self.lost_max.map(|most| format!("{most} lost"));
        let ratio = self.ratio_max.map(|most| format!("p99 within {most} x"));
        let checks = self.checks.iter().map(|check| check.what.clone());
        lost.into_iter().chain(ratio).chain(checks).collect::<Vec<_>>().join("; ")
    }

    /// The line as the page keeps it.
    pub(super) fn json(&self) -> Value {
        let reached = match self.reached() {
            Some(true) => "reached",
            Some(false) => "**not reached**",
            None => "**not shown**",
        };
        let mut cells = vec![self.fault.clone(), self.proxy.clone()];
        cells.extend(self.numbers.as_ref().map_or_else(|| vec!["-".to_owned(); 7], Numbers::cells));
        cells.extend([self.goal(), reached.to_owned()]);
        let failed = self.checks.iter().filter(|check| !check.holds);
        let mut notes: Vec<_> =
            failed.map(|check| format!("does not hold: {}", check.what)).collect();
        if let Some(numbers) = self.numbers.as_ref().filter(|it| it.window.lost_in_all() > 0) {
            notes.push(format!("lost: {}", causes(&numbers.window)));
        }
        notes.extend(self.notes.iter().cloned());
        json!({"cells": cells, "notes": notes, "compared": self.compared})
    }
}

impl Numbers {
    fn ratio(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "microseconds for a reader")]
        let ratio = |quiet: u64, fault: u64| fault as f64 / quiet as f64;
        Some(ratio(self.quiet_us?.max(1), self.fault_us?))
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.rate.to_string(),
            self.window.requests().to_string(),
            self.window.lost_in_all().to_string(),
            milliseconds(self.quiet_us),
            milliseconds(self.fault_us),
            self.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
            milliseconds(Some(self.worst_us)),
        ]
    }
}

fn causes(window: &Window) -> String {
    let causes = window.lost.iter().map(|(why, count)| format!("{count} {why}"));
    causes.collect::<Vec<_>>().join(", ")
}

fn milliseconds(us: Option<u64>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "microseconds for a reader")]
    let shown = |us: u64| format!("{:.1}", us as f64 / 1000.0);
    us.map_or_else(|| "-".to_owned(), shown)
}

/// The titles of the cells.
pub(super) const COLUMNS: [&str; 11] = [
    "fault",
    "proxy",
    "requests/s",
    "requests",
    "lost",
    "p99 quiet ms",
    "p99 fault ms",
    "ratio",
    "worst second ms",
    "goal",
    "reached",
];

#[cfg(test)]
mod tests;
