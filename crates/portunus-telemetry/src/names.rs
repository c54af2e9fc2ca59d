//! THE list of names: of metrics, their labels, and the fields of the access log.
//!
//! It is data, so that the exposition, the log formats and the reference docs are made from the same rows.

mod log;
mod metric;

use std::fmt::Write;

pub use log::{Field, LOG_FIELDS, LogField};
pub use metric::{METRICS, Metric};
pub(crate) use metric::{Number, Source};

/// One name and what it stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Name {
    /// The name as users see it.
    pub name: &'static str,
    /// What kind of thing it names.
    pub kind: Kind,
    /// The unit of its value.
    pub unit: Unit,
    /// One sentence.
    pub doc: &'static str,
    /// The labels of its series, in the order in which they are written.
    pub labels: &'static [&'static str],
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A metric that only grows.
    Counter,
    /// A metric that goes up and down.
    Gauge,
    /// A metric of buckets, a sum and a count.
    Histogram,
    /// A field of the access log.
    LogField,
    /// A label of metrics.
    Label,
}

impl Kind {
    /// The word of the exposition formats, and of the docs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::LogField => "field",
            Self::Label => "label",
        }
    }
}

/// The unit of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// A plain number or a text.
    None,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Milliseconds, with three decimals.
    Milliseconds,
}

impl Unit {
    /// The word in the docs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
        }
    }
}

/// The labels of the metrics.
pub static LABELS: &[Name] = &[
    label("listener", "The listener's name."),
    label("route", "The route's name, or `other` beyond the bound of series."),
    label("upstream", "The upstream's name, or `other` beyond the bound of series."),
    label("endpoint", "The endpoint's address, or `other` beyond the bound of series."),
    label(
        "code",
        "The class of the answer's status, `1xx` to `5xx`; `none` when there was no answer.",
    ),
    label(
        "reason",
        "The stable reason code of an answer that Portunus made itself; it implies the status.",
    ),
    label(
        "result",
        "`success` or `failure`; of a connection also `reused`; of a handshake `full` or `resumed`.",
    ),
    label(
        "kind",
        "What a series is of (`listener`, `route`, `upstream`, `endpoint`, `reason`, `decision`), or why a handshake, a \
         connection or an order failed.",
    ),
    label("scope", "The list that a filter stands in, or `other` beyond the bound of series."),
    label("decision", "The filter's name, a dot and what it decided: `rate_limit.limited`."),
    label("name", "The certificate's name."),
    label(
        "outcome",
        "How a wait ended: `served`, `timeout`, `full` (before it began), `pushed_out` (by a higher class), `left` (the \
         client went away).",
    ),
    label("state", "How an endpoint is: `up`, `draining`, `down` (a check says so), `ejected`."),
    label("to", "Where a breaker came to stand: `closed`, `half_open`, `open`."),
    label("version", "The version of the program, or of TLS: `1.2`, `1.3`."),
    label("le", "The upper bound of a bucket, inclusive."),
];

const fn label(name: &'static str, doc: &'static str) -> Name {
    Name { name, kind: Kind::Label, unit: Unit::None, doc, labels: &[] }
}

/// All names as the Markdown page of the reference.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from("# Metrics and log fields\n\n");
    page.push_str(
        "## Metrics\n\n| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n",
    );
    for Name { name, kind, unit, doc, labels } in METRICS.iter().map(|metric| metric.name) {
        let (kind, unit, labels) = (kind.word(), unit.word(), labels.join(", "));
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {doc} |");
    }
    page.push_str("\n## Labels\n\n| name | meaning |\n|---|---|\n");
    for Name { name, doc, .. } in LABELS {
        let _ = writeln!(page, "| `{name}` | {doc} |");
    }
    page.push_str("\n## Fields of the access log\n\n| name | unit | meaning |\n|---|---|---|\n");
    for Name { name, unit, doc, .. } in LOG_FIELDS.iter().map(|field| field.name) {
        let _ = writeln!(page, "| `{name}` | {} | {doc} |", unit.word());
    }
    page
}

#[cfg(test)]
mod tests;
