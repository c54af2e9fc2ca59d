//! Endpoints that are worse than others over a while: how many of their results are bad, and how long they take to
//! answer. Pure, and off the data path: workers only add to totals.

use std::collections::VecDeque;
use std::time::Duration;

use portunus_base::Mono;

use crate::outlier::Ejection;

/// What the results of a while eject an endpoint for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowPlan {
    /// How long the while is.
    pub over: Duration,
    /// With fewer requests than this, an endpoint is neither judged nor compared with.
    pub min_requests: u32,
    /// The share of bad results, 0.0 to 1.0, from which on an endpoint is ejected.
    pub error_rate: Option<f64>,
    /// How many standard deviations below the mean of all endpoints the share of good results is when an endpoint is
    /// ejected for it.
    pub success_rate_stdev: Option<f64>,
    /// How many times the median of the others' mean latency makes an endpoint one that is ejected.
    pub slower_than: Option<f64>,
}

impl WindowPlan {
    /// Which endpoints are to be ejected, by their index, and for what: for each criterion the worst first, as not all
    /// of them may be. `seen` is what each endpoint did within the window.
    #[must_use]
    pub fn outliers(&self, seen: &[Totals]) -> Vec<(usize, Ejection)> {
        let min = u64::from(self.min_requests.max(1));
        let enough = |of: fn(&Totals) -> u64| {
            seen.iter().enumerate().filter(move |(_, totals)| of(totals) >= min)
        };
        let good: Vec<Rated> = enough(Totals::results).map(Rated::by_success).collect();
        let slow: Vec<Rated> =
            enough(|totals| totals.answers).map(|(index, totals)| totals.latency(index)).collect();
        let mut found = Vec::new();
        found.extend(self.error_rate.iter().flat_map(|share| failing(&good, *share)));
        found.extend(self.success_rate_stdev.iter().flat_map(|factor| below(&good, *factor)));
        found.extend(self.slower_than.iter().flat_map(|times| slower(&slow, *times)));
        found
    }
}

/// What an endpoint did with requests, ever or within a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Answers, whatever their status.
    pub answers: u64,
    /// Those with a status from 500 on.
    pub server_errors: u64,
    /// Requests without an answer, or without a whole one.
    pub failures: u64,
    /// The sum of the times to the heads of the answers, in microseconds.
    pub latency_us: u64,
}

impl Totals {
    /// What came after `earlier`.
    fn since(self, earlier: Self) -> Self {
        Self {
            answers: self.answers.saturating_sub(earlier.answers),
            server_errors: self.server_errors.saturating_sub(earlier.server_errors),
            failures: self.failures.saturating_sub(earlier.failures),
            latency_us: self.latency_us.saturating_sub(earlier.latency_us),
        }
    }

    fn results(&self) -> u64 {
        self.answers.saturating_add(self.failures)
    }

    fn bad(&self) -> u64 {
        self.server_errors.saturating_add(self.failures)
    }

    fn latency(&self, index: usize) -> Rated {
        Rated { index, value: self.latency_us as f64 / self.answers.max(1) as f64, bad: self.bad() }
    }
}

/// The last results of one endpoint: a few marks of its totals, so that it costs no more for a longer window.
#[derive(Debug, Default)]
pub struct Window {
    marks: VecDeque<(Mono, Totals)>,
}

impl Window {
    /// What the endpoint did within about the last `over`: at least nine tenths of it. `totals` is what it did up to
    /// now.
    pub fn advance(&mut self, totals: Totals, over: Duration, now: Mono) -> Totals {
        let over_us = u64::try_from(over.as_micros()).unwrap_or(u64::MAX);
        let age_us = |mark: Option<&(Mono, Totals)>| mark.map(|(at, _)| now.since_us(*at));
        while age_us(self.marks.front()).is_some_and(|age| age > over_us) {
            self.marks.pop_front();
        }
        if age_us(self.marks.back()).is_none_or(|age| age >= over_us / MARKS) {
            self.marks.push_back((now, totals));
        }
        let (_, earlier) = self.marks.front().copied().unwrap_or((now, totals));
        totals.since(earlier)
    }
}

/// An endpoint by one measure.
#[derive(Clone, Copy, Debug)]
struct Rated {
    index: usize,
    value: f64,
    bad: u64,
}

impl Rated {
    fn by_success((index, totals): (usize, &Totals)) -> Self {
        let bad = totals.bad();
        Self { index, value: 1.0 - bad as f64 / totals.results().max(1) as f64, bad }
    }
}

/// Those whose share of bad results is `share` or more.
fn failing(rated: &[Rated], share: f64) -> Vec<(usize, Ejection)> {
    ascending(rated.iter().filter(|one| 1.0 - one.value + 1e-9 >= share), Ejection::ErrorRate)
}

/// Those whose share of good results is more than `factor` standard deviations below the mean.
fn below(rated: &[Rated], factor: f64) -> Vec<(usize, Ejection)> {
    let count = rated.len().max(1) as f64;
    let mean = rated.iter().map(|one| one.value).sum::<f64>() / count;
    let variance = rated.iter().map(|one| (one.value - mean).powi(2)).sum::<f64>() / count;
    let least = mean - factor * variance.sqrt();
    let is_below = |one: &&Rated| one.value + 1e-9 < least && one.bad >= BAD_MIN;
    ascending(rated.iter().filter(is_below), Ejection::SuccessRate)
}

/// Those that take more than `times` the median of the others.
fn slower(rated: &[Rated], times: f64) -> Vec<(usize, Ejection)> {
    let mut sorted: Vec<f64> = rated.iter().map(|one| one.value).collect();
    sorted.sort_by(f64::total_cmp);
    let is_slower = |one: &&Rated| {
        median_without(&sorted, one.value)
            .is_some_and(|usual| one.value > usual * times && one.value - usual >= SLOWER_MIN_US)
    };
    let mut found = ascending(rated.iter().filter(is_slower), Ejection::Latency);
    found.reverse();
    found
}

fn ascending<'r>(rated: impl Iterator<Item = &'r Rated>, why: Ejection) -> Vec<(usize, Ejection)> {
    let mut found: Vec<&Rated> = rated.collect();
    found.sort_by(|a, b| a.value.total_cmp(&b.value));
    found.into_iter().map(|one| (one.index, why)).collect()
}

/// The median of sorted values but for one of them; of two in the middle, their mean.
fn median_without(sorted: &[f64], value: f64) -> Option<f64> {
    let own = sorted.iter().position(|one| *one == value)?;
    let others = sorted.len().checked_sub(1).filter(|others| *others > 0)?;
    let at = |place: usize| sorted.get(place + usize::from(place >= own));
    Some((at((others - 1) / 2)? + at(others / 2)?) / 2.0)
}

/// How many marks a window has, give or take one.
const MARKS: u64 = 10;
/// Fewer bad results than this make nobody worse than the others: one of twenty is chance.
const BAD_MIN: u64 = 5;
/// Answers that come later by less than this are not late, however fast the others are.
const SLOWER_MIN_US: f64 = 10_000.0;

#[cfg(test)]
mod tests;
