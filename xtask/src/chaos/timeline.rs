//! What became of the requests of a load, second by second.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The seconds of a load, from its start.
#[derive(Debug, Default)]
pub(super) struct Timeline(Vec<Window>);

/// The requests that were due in one second, or in several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Window {
    /// Answered with 2xx.
    pub good: u64,
    /// The others, by what became of them.
    pub lost: BTreeMap<String, u64>,
    /// How many of the good ones took how many microseconds.
    latencies: BTreeMap<u64, u64>,
}

impl Timeline {
    /// Reads what `bench-steady` printed.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(text).context("the load's report is broken")?;
        let slices = report.get("slices").and_then(Value::as_array).context("no slices")?;
        slices.iter().map(Window::parse).collect::<Option<_>>().map(Self).context("a broken slice")
    }

    /// All requests of these seconds; those beyond the end of the load are empty.
    pub(super) fn window(&self, seconds: Range<u64>) -> Window {
        let mut sum = Window::default();
        for window in self.seconds(seconds) {
            sum.add(window);
        }
        sum
    }

    /// The 99th percentile of the worst of these seconds, in microseconds.
    pub(super) fn worst_p99_us(&self, seconds: Range<u64>) -> u64 {
        self.seconds(seconds).filter_map(|window| window.quantile_us(0.99)).max().unwrap_or(0)
    }

    fn seconds(&self, seconds: Range<u64>) -> impl Iterator<Item = &Window> {
        let at = |second| usize::try_from(second).unwrap_or(usize::MAX).min(self.0.len());
        self.0.get(at(seconds.start)..at(seconds.end)).unwrap_or_default().iter()
    }
}

impl Window {
    fn parse(slice: &Value) -> Option<Self> {
        let lost = slice.get("lost")?.as_object()?.iter();
        let latencies = slice.get("latencies")?.as_array()?.iter();
        Some(Self {
            good: slice.get("good")?.as_u64()?,
            lost: lost.map(|(why, n)| Some((why.clone(), n.as_u64()?))).collect::<Option<_>>()?,
            latencies: latencies
                .map(|pair| Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?)))
                .collect::<Option<_>>()?,
        })
    }

    /// Takes the requests of another one in.
    pub(super) fn add(&mut self, other: &Self) {
        self.good += other.good;
        for (why, count) in &other.lost {
            *self.lost.entry(why.clone()).or_default() += count;
        }
        for (latency, count) in &other.latencies {
            *self.latencies.entry(*latency).or_default() += count;
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.good + self.lost_in_all()
    }

    pub(super) fn lost_in_all(&self) -> u64 {
        self.lost.values().sum()
    }

    /// The latency that this share of the good ones did not exceed; `None` without any.
    pub(super) fn quantile_us(&self, share: f64) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank from 1 to the number of requests"
        )]
        let rank = ((self.good as f64 * share).ceil() as u64).max(1);
        let mut below = 0;
        self.latencies.iter().find_map(|(latency, count)| {
            below += count;
            (below >= rank).then_some(*latency)
        })
    }
}

#[cfg(test)]
mod tests;
