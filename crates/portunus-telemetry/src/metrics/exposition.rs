//! The text of a scrape: Prometheus exposition 0.0.4, and OpenMetrics 1.0.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use super::edge::HANDSHAKES;
use super::histogram::BOUNDS_TEXT;
use super::series::{CLASSES, Count, EJECTIONS, SeriesKind, Sums};
use super::totals::{
    BreakerTotals, DecisionTotals, EndpointStateTotals, QueueTotals, RenewalTotals, SeriesTotals,
    Totals,
};
use crate::names::{Kind, METRICS, Metric, Name};
use crate::names::{Number, Source};

/// A text format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Exposition {
    /// Prometheus text exposition 0.0.4.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Exposition {
    /// The format that an `Accept` header asks for.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The `Content-Type` of the text.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writes all metrics, in the order of [`METRICS`].
pub(super) fn render(totals: &Totals, exposition: Exposition) -> String {
    let mut page = Page { text: String::new() };
    for metric in METRICS {
        page.head(&metric.name, exposition);
        page.samples(metric, totals);
    }
    if exposition == Exposition::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &Name, exposition: Exposition) {
        // In OpenMetrics a counter's family is named without the suffix of its samples.
        let family = match (exposition, name.kind) {
            (Exposition::OpenMetrics, Kind::Counter) => name.name.trim_end_matches("_total"),
            _ => name.name,
        };
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "# HELP {family} {}\n# TYPE {family} {}\n",
            name.doc,
            name.kind.word()
        );
    }

    fn samples(&mut self, metric: &Metric, totals: &Totals) {
        let name = metric.name.name;
        match metric.source {
            Source::Codes(kind) => self.codes(name, kind, totals),
            Source::Durations(kind) => self.durations(name, kind, totals),
            Source::Count(kind, count) => self.counts(name, kind, count, totals),
            Source::Connects => self.connects(name, totals),
            Source::Ejections => self.ejections(name, totals),
            Source::Handshakes => self.handshakes(name, totals),
            Source::TlsErrors => self.kinds(name, totals, |sums| &sums.edge.tls_errors),
            Source::H2Errors => self.kinds(name, totals, |sums| &sums.edge.h2_errors),
            Source::Certificates => {
                for certificate in &totals.certificates {
                    let labels = [("name", &*certificate.name)];
                    self.sample(name, "", &labels, seconds(certificate.not_after.0));
                }
            }
            Source::EndpointStates => self.endpoint_states(name, totals),
            Source::BreakerStates => {
                for breaker in &totals.breakers {
                    self.sample(name, "", &[("upstream", &*breaker.upstream)], breaker.state);
                }
            }
            Source::BreakerTurns => {
                for BreakerTotals { upstream, turns, .. } in &totals.breakers {
                    for (to, count) in turns {
                        self.sample(name, "", &[("upstream", &**upstream), ("to", to)], count);
                    }
                }
            }
            Source::QueueLengths => self.queue_lengths(name, totals),
            Source::QueueEnds => self.queue_ends(name, totals),
            Source::QueueWaits => self.queue_waits(name, totals),
            Source::ConcurrencyLimits => self.concurrency_limits(name, totals),
            Source::Replies => {
                for reply in &totals.replies {
                    self.sample(name, "", &[("reason", &reply.reason)], reply.count);
                }
            }
            Source::Decisions => {
                for DecisionTotals { scope, decision, count } in &totals.decisions {
                    self.sample(name, "", &[("scope", scope), ("decision", decision)], count);
                }
            }
            Source::Folded => {
                for (kind, count) in totals.folded {
                    self.sample(name, "", &[("kind", kind)], count);
                }
            }
            Source::Reloads => {
                self.results(name, totals.config.succeeded, totals.config.failed);
            }
            Source::AcmeOrders => {
                let RenewalTotals { issued, orders_failed, .. } = totals.renewals;
                self.results(name, issued, orders_failed);
            }
            Source::AcmeErrors => {
                for (kind, count) in &totals.renewals.acme_errors {
                    self.sample(name, "", &[("kind", kind)], count);
                }
            }
            Source::Refreshes => {
                let RenewalTotals { refreshed, refreshes_failed, .. } = totals.renewals;
                self.results(name, refreshed, refreshes_failed);
            }
            Source::Number(number) => self.number(name, number, totals),
            Source::Build => self.sample(name, "", &[("version", totals.version)], 1),
        }
    }

    fn results(&mut self, name: &str, succeeded: u64, failed: u64) {
        self.sample(name, "", &[("result", "success")], succeeded);
        self.sample(name, "", &[("result", "failure")], failed);
    }

    fn codes(&mut self, name: &str, kind: SeriesKind, totals: &Totals) {
        for series in totals.series(kind) {
            for (class, count) in CLASSES.into_iter().zip(series.sums.codes) {
                self.sample(name, "", &with(kind, series, ("code", class)), count);
            }
        }
    }

    /// A histogram appears with its first request: most series of a large plan have none.
    fn durations(&mut self, name: &str, kind: SeriesKind, totals: &Totals) {
        for series in totals.series(kind) {
            let mut seen = 0;
            let Sums { buckets, duration_us, .. } = series.sums;
            if buckets.iter().all(|&bucket| bucket == 0) {
                continue;
            }
            for (bound, requests) in BOUNDS_TEXT.into_iter().zip(buckets) {
                seen += requests;
                self.sample(name, "_bucket", &with(kind, series, ("le", bound)), seen);
            }
            self.sample(name, "_sum", &labels(kind, series), seconds(duration_us));
            self.sample(name, "_count", &labels(kind, series), seen);
        }
    }

    fn counts(&mut self, name: &str, kind: SeriesKind, count: Count, totals: &Totals) {
        for series in totals.series(kind) {
            self.sample(name, "", &labels(kind, series), series.sums.count(count));
        }
    }

    fn connects(&mut self, name: &str, totals: &Totals) {
        let results =
            [("reused", Count::Reused), ("success", Count::Fresh), ("failure", Count::Failed)];
        for series in &totals.endpoints {
            for (result, count) in results {
                let labels = with(SeriesKind::Endpoint, series, ("result", result));
                self.sample(name, "", &labels, series.sums.count(count));
            }
        }
    }

    fn ejections(&mut self, name: &str, totals: &Totals) {
        for series in &totals.endpoints {
            for (reason, count) in EJECTIONS {
                let labels = with(SeriesKind::Endpoint, series, ("reason", reason));
                self.sample(name, "", &labels, series.sums.count(count));
            }
        }
    }

    /// A combination appears with its first handshake.
    fn handshakes(&mut self, name: &str, totals: &Totals) {
        for series in &totals.listeners {
            let counts = HANDSHAKES.into_iter().zip(series.sums.edge.handshakes);
            for ((version, result), count) in counts.filter(|(_, count)| *count > 0) {
                let listener = ("listener", &*series.labels.name);
                let labels = [listener, ("version", version), ("result", result)];
                self.sample(name, "", &labels, count);
            }
        }
    }

    fn queue_lengths(&mut self, name: &str, totals: &Totals) {
        for queue in &totals.queues {
            self.sample(name, "", &[("upstream", &*queue.upstream)], queue.length);
        }
    }

    fn queue_ends(&mut self, name: &str, totals: &Totals) {
        for QueueTotals { upstream, ends, .. } in &totals.queues {
            for (outcome, count) in ends {
                let labels = [("upstream", &**upstream), ("outcome", outcome)];
                self.sample(name, "", &labels, count);
            }
        }
    }

    fn queue_waits(&mut self, name: &str, totals: &Totals) {
        for queue in &totals.queues {
            let waited = seconds(queue.waited_us);
            self.sample(name, "", &[("upstream", &*queue.upstream)], waited);
        }
    }

    fn concurrency_limits(&mut self, name: &str, totals: &Totals) {
        for QueueTotals { upstream, limit, .. } in &totals.queues {
            if let Some(limit) = limit {
                self.sample(name, "", &[("upstream", &**upstream)], limit);
            }
        }
    }

    fn endpoint_states(&mut self, name: &str, totals: &Totals) {
        for EndpointStateTotals { upstream, states } in &totals.endpoint_states {
            for (state, count) in states {
                self.sample(name, "", &[("upstream", &**upstream), ("state", state)], count);
            }
        }
    }

    /// A kind appears with its first event.
    fn kinds(
        &mut self,
        name: &str,
        totals: &Totals,
        counts: impl Fn(&Sums) -> &BTreeMap<&'static str, u64>,
    ) {
        for series in &totals.listeners {
            let counts = counts(&series.sums).iter();
            for (kind, count) in counts.filter(|(_, count)| **count > 0) {
                let labels = with(SeriesKind::Listener, series, ("kind", kind));
                self.sample(name, "", &labels, count);
            }
        }
    }

    fn number(&mut self, name: &str, number: Number, totals: &Totals) {
        let Totals { config, log, process, .. } = totals;
        match number {
            Number::LastReloadSuccess => self.sample(name, "", &[], u8::from(config.last_success)),
            Number::LastReloadSuccessTime => {
                self.optional(name, config.last_success_time.map(|at| seconds(at.0)));
            }
            Number::LogLines => self.sample(name, "", &[], log.lines),
            Number::LogDropped => self.sample(name, "", &[], log.dropped),
            Number::LogErrors => self.sample(name, "", &[], log.errors),
            Number::ResidentBytes => self.optional(name, process.resident_bytes),
            Number::OpenFds => self.optional(name, process.open_fds),
            Number::MaxFds => self.optional(name, process.max_fds),
            Number::CpuSeconds => self.optional(name, process.cpu_seconds),
            Number::StartTime => self.sample(name, "", &[], seconds(totals.started.0)),
        }
    }

    fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.sample(name, "", &[], value);
        }
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let text = &mut self.text;
        text.push_str(name);
        text.push_str(suffix);
        let mut before = '{';
        for (label, value) in labels.iter().filter(|(label, _)| !label.is_empty()) {
            text.push(before);
            text.push_str(label);
            text.push_str("=\"");
            push_escaped(text, value);
            text.push('"');
            before = ',';
        }
        text.push_str(if before == ',' { "} " } else { " " });
        let _ = writeln!(text, "{value}");
    }
}

/// The labels of a series and one more. An unused place has an empty name.
fn with<'a>(
    kind: SeriesKind,
    series: &'a SeriesTotals,
    more: (&'a str, &'a str),
) -> [(&'a str, &'a str); 3] {
    let [first, second] = labels(kind, series);
    [first, second, more]
}

fn labels(kind: SeriesKind, series: &SeriesTotals) -> [(&str, &str); 2] {
    let mut names = kind.labels().iter().copied();
    let mut next = || names.next().unwrap_or_default();
    [(next(), &series.labels.name), (next(), &series.labels.address)]
}

/// A label's value: backslash, quote and newline are escaped.
fn push_escaped(text: &mut String, value: &str) {
    for char in value.chars() {
        match char {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            char => text.push(char),
        }
    }
}

/// Microseconds as seconds.
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests;
