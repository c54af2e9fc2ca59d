//! The sums of everything at one moment: plain values for the exposition, the admin API and `status`.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use portunus_base::Wall;

use super::series::{Labels, SeriesKind, Sums};
use crate::log_writer::LogStats;

/// All sums. Lists are in the order of their labels, with `other` first.
#[derive(Clone, Debug)]
pub struct Totals {
    /// The version of the program.
    pub version: &'static str,
    /// When the process started.
    pub started: Wall,
    /// By listener.
    pub listeners: Vec<SeriesTotals>,
    /// By route.
    pub routes: Vec<SeriesTotals>,
    /// By upstream.
    pub upstreams: Vec<SeriesTotals>,
    /// By endpoint.
    pub endpoints: Vec<SeriesTotals>,
    /// Own answers.
    pub replies: Vec<ReasonTotals>,
    /// What filters decided.
    pub decisions: Vec<DecisionTotals>,
    /// By kind, how often a name had to share `other`.
    pub folded: [(&'static str, u64); 6],
    /// Loads of the configuration.
    pub config: ConfigTotals,
    /// The certificates in use.
    pub certificates: Vec<CertificateTotals>,
    /// The breakers of upstreams.
    pub breakers: Vec<BreakerTotals>,
    /// The endpoints of upstreams, by state.
    pub endpoint_states: Vec<EndpointStateTotals>,
    /// The queues of upstreams.
    pub queues: Vec<QueueTotals>,
    /// What became of those that were to come.
    pub renewals: RenewalTotals,
    /// The access log.
    pub log: LogTotals,
    /// The process.
    pub process: ProcessTotals,
}

impl Totals {
    /// The series of one kind.
    #[must_use]
    pub fn series(&self, kind: SeriesKind) -> &[SeriesTotals] {
        match kind {
            SeriesKind::Listener => &self.listeners,
            SeriesKind::Route => &self.routes,
            SeriesKind::Upstream => &self.upstreams,
            SeriesKind::Endpoint => &self.endpoints,
        }
    }
}

/// One series.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeriesTotals {
    /// What it is of.
    pub labels: Labels,
    /// Its sums.
    pub sums: Sums,
}

/// One reason code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReasonTotals {
    /// The code.
    pub reason: Box<str>,
    /// Answers made with it.
    pub count: u64,
}

/// One decision of the filters of one list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecisionTotals {
    /// The list that the filter stands in.
    pub scope: Box<str>,
    /// The filter's name, a dot and what it decided.
    pub decision: Box<str>,
    /// How often.
    pub count: u64,
}

/// One certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateTotals {
    /// Its name, unique among those shown.
    pub name: Box<str>,
    /// When it ends to be valid.
    pub not_after: Wall,
}

/// The endpoints of one upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointStateTotals {
    /// The upstream's name.
    pub upstream: Box<str>,
    /// How many are how: the words of the label, and counts.
    pub states: Vec<(&'static str, u64)>,
}

/// The breaker of one upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BreakerTotals {
    /// The upstream's name.
    pub upstream: Box<str>,
    /// 0 closed, 1 half-open, 2 open.
    pub state: u8,
    /// How often it came to stand where: the words of the label, and counts.
    pub turns: [(&'static str, u64); 3],
}

/// The requests that wait for one upstream, and the limit that they wait for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueTotals {
    /// The upstream's name.
    pub upstream: Box<str>,
    /// How many wait.
    pub length: u32,
    /// How many waits ended how: the words of the label, and counts.
    pub ends: [(&'static str, u64); 5],
    /// How long all of them were, in microseconds.
    pub waited_us: u64,
    /// The limit that the upstream's load has shown to be good, where it is found so.
    pub limit: Option<u32>,
}

/// What became of certificates that were to come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RenewalTotals {
    /// Certificates that were issued by ACME.
    pub issued: u64,
    /// Orders by ACME that failed.
    pub orders_failed: u64,
    /// Why ACME gave none, by kind.
    pub acme_errors: BTreeMap<&'static str, u64>,
    /// Times that changed files were taken.
    pub refreshed: u64,
    /// Times that changed files were not taken.
    pub refreshes_failed: u64,
}

/// Loads of the configuration.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ConfigTotals {
    /// Loads that took effect.
    pub succeeded: u64,
    /// Loads that changed nothing, because of errors.
    pub failed: u64,
    /// Whether the last one took effect.
    pub last_success: bool,
    /// When the last one that took effect did.
    pub last_success_time: Option<Wall>,
}

/// The access log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogTotals {
    /// Lines written.
    pub lines: u64,
    /// Lines lost.
    pub dropped: u64,
    /// Failed writes.
    pub errors: u64,
}

impl LogTotals {
    pub(super) fn read(stats: &LogStats) -> Self {
        Self {
            lines: stats.lines.load(Relaxed),
            dropped: stats.dropped.load(Relaxed),
            errors: stats.errors.load(Relaxed),
        }
    }
}

/// The process, as far as the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessTotals {
    /// Resident memory.
    pub resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// The limit of open file descriptors.
    pub max_fds: Option<u64>,
    /// CPU time, user and system.
    pub cpu_seconds: Option<f64>,
}
