//! The meeting point of control and workers: names to ids, shards, sums.

use std::collections::BTreeMap;
#[expect(
    clippy::disallowed_types,
    reason = "taken by control only: a worker resolves nothing itself"
)]
use std::sync::Mutex;
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};

use portunus_base::{Wall, WorkerId};

use super::directory::Directory;
use super::exposition::{Exposition, render};
use super::process;
use super::series::{
    DecisionId, EndpointSeries, Labels, ListenerSeries, ReasonId, RouteSeries, SeriesKind, Sums,
    UpstreamSeries,
};
use super::shard::Shard;
use super::totals::{
    BreakerTotals, CertificateTotals, ConfigTotals, DecisionTotals, EndpointStateTotals, LogTotals,
    QueueTotals, ReasonTotals, RenewalTotals, SeriesTotals, Totals,
};
use crate::log_writer::LogStats;

/// All metrics of the process. Shared by control and, for their shard, the workers.
///
/// Everything here takes a lock and may allocate: it is for compile time, start and scrapes, never for the
/// path of a request.
#[derive(Debug)]
pub struct Registry {
    options: Options,
    log: OnceLock<Arc<LogStats>>,
    #[expect(
        clippy::disallowed_types,
        reason = "taken by control only: a worker resolves nothing itself"
    )]
    state: Mutex<State>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, log: OnceLock::new(), state: Default::default() }
    }

    /// The series of a listener: the one it has, else a new one, else `other`. So for the other kinds.
    #[must_use]
    pub fn listener(&self, name: &str) -> ListenerSeries {
        ListenerSeries(self.resolve(SeriesKind::Listener, name, ""))
    }

    /// The series of a route.
    #[must_use]
    pub fn route(&self, name: &str) -> RouteSeries {
        RouteSeries(self.resolve(SeriesKind::Route, name, ""))
    }

    /// The series of an upstream.
    #[must_use]
    pub fn upstream(&self, name: &str) -> UpstreamSeries {
        UpstreamSeries(self.resolve(SeriesKind::Upstream, name, ""))
    }

    /// The series of an endpoint.
    #[must_use]
    pub fn endpoint(&self, upstream: &str, address: &str) -> EndpointSeries {
        EndpointSeries(self.resolve(SeriesKind::Endpoint, upstream, address))
    }

    /// The id of a reason code.
    #[must_use]
    pub fn reason(&self, code: &str) -> ReasonId {
        let max = self.options.series_max;
        let reasons = &mut self.state().reasons;
        ReasonId(reasons.resolve(Labels::new(code, ""), max, |_| Sums::default()))
    }

    /// The id of what a filter of a scope decides: `hosts.shop.example.com`, `rate_limit.limited`.
    #[must_use]
    pub fn decision(&self, scope: &str, code: &str) -> DecisionId {
        let max = self.options.series_max;
        let decisions = &mut self.state().decisions;
        DecisionId(decisions.resolve(Labels::new(scope, code), max, |_| Sums::default()))
    }

    /// Forgets the series whose labels `keep` does not want: those of routes, upstreams, endpoints that
    /// are gone. Their ids are given to later names, once nothing is under way in them.
    pub fn retain(&self, kind: SeriesKind, keep: impl FnMut(&Labels) -> bool) {
        self.state().directory_mut(kind).retain(keep);
    }

    /// The shard of a worker: always the same for the same id. Only that worker's thread may record in it.
    #[must_use]
    pub fn shard(&self, worker: WorkerId) -> Arc<Shard> {
        Arc::clone(self.state().shards.entry(worker).or_default())
    }

    /// Records that a configuration was loaded, or refused.
    pub fn reloaded(&self, success: bool, now: Wall) {
        let config = &mut self.state().config;
        config.last_success = success;
        if success {
            config.succeeded += 1;
            config.last_success_time = Some(now);
        } else {
            config.failed += 1;
        }
    }

    /// Shows these certificates' ends from now on, and no others.
    pub fn show_certificates(&self, certificates: Vec<CertificateTotals>) {
        self.state().certificates = certificates;
    }

    /// Shows these endpoints from now on, and no others.
    pub fn show_endpoint_states(&self, states: Vec<EndpointStateTotals>) {
        self.state().endpoint_states = states;
    }

    /// Shows these breakers from now on, and no others.
    pub fn show_breakers(&self, breakers: Vec<BreakerTotals>) {
        self.state().breakers = breakers;
    }

    /// Shows these queues from now on, and no others.
    pub fn show_queues(&self, queues: Vec<QueueTotals>) {
        self.state().queues = queues;
    }

    /// Records that ACME has given a certificate.
    pub fn acme_issued(&self) {
        self.state().renewals.issued += 1;
    }

    /// Records that ACME gave no certificate, and why; `is_order` where one was ordered.
    pub fn acme_failed(&self, kind: &'static str, is_order: bool) {
        let renewals = &mut self.state().renewals;
        renewals.orders_failed += u64::from(is_order);
        *renewals.acme_errors.entry(kind).or_default() += 1;
    }

    /// Records that changed files of certificates were taken, or not.
    pub fn certificates_refreshed(&self, success: bool) {
        let renewals = &mut self.state().renewals;
        renewals.refreshed += u64::from(success);
        renewals.refreshes_failed += u64::from(!success);
    }

    /// Shows the access log's counts from now on. The first log given stays.
    pub fn attach_log(&self, stats: Arc<LogStats>) {
        let _ = self.log.set(stats);
    }

    /// The sums of everything, now. Reads `/proc` for the process.
    #[must_use]
    pub fn snapshot(&self) -> Totals {
        let log = self.log.get().map(|stats| LogTotals::read(stats)).unwrap_or_default();
        let state = self.state();
        Totals {
            version: self.options.version,
            started: self.options.started,
            listeners: state.series(SeriesKind::Listener),
            routes: state.series(SeriesKind::Route),
            upstreams: state.series(SeriesKind::Upstream),
            endpoints: state.series(SeriesKind::Endpoint),
            replies: state.replies(),
            decisions: state.decisions(),
            folded: state.folded(),
            config: state.config,
            certificates: state.certificates.clone(),
            breakers: state.breakers.clone(),
            endpoint_states: state.endpoint_states.clone(),
            queues: state.queues.clone(),
            renewals: state.renewals.clone(),
            log,
            process: process::read(),
        }
    }

    /// All metrics as the text of an exposition format.
    #[must_use]
    pub fn render(&self, exposition: Exposition) -> String {
        render(&self.snapshot(), exposition)
    }

    fn resolve(&self, kind: SeriesKind, name: &str, address: &str) -> u32 {
        let max = self.options.series_max;
        let mut state = self.state();
        let State { directories, shards, .. } = &mut *state;
        let directory = directories.of_mut(kind);
        directory.resolve(Labels::new(name, address), max, |id| sums(shards, kind, id))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a registry is made with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The version of the program.
    pub version: &'static str,
    /// When the process started.
    pub started: Wall,
    /// How many names of each kind keep a series of their own.
    pub series_max: usize,
}

impl Options {
    /// Options with the default bound, [`SERIES_MAX`].
    #[must_use]
    pub fn new(version: &'static str, started: Wall) -> Self {
        Self { version, started, series_max: SERIES_MAX }
    }
}

#[derive(Debug, Default)]
struct State {
    directories: Directories,
    reasons: Directory,
    decisions: Directory,
    shards: Shards,
    config: ConfigTotals,
    certificates: Vec<CertificateTotals>,
    breakers: Vec<BreakerTotals>,
    endpoint_states: Vec<EndpointStateTotals>,
    queues: Vec<QueueTotals>,
    renewals: RenewalTotals,
}

impl State {
    fn directory_mut(&mut self, kind: SeriesKind) -> &mut Directory {
        self.directories.of_mut(kind)
    }

    fn series(&self, kind: SeriesKind) -> Vec<SeriesTotals> {
        let directory = self.directories.of(kind);
        let total = |(labels, id)| {
            let mut sums = sums(&self.shards, kind, id);
            if let Some(earlier) = directory.earlier(id) {
                sums.subtract(earlier);
            }
            SeriesTotals { labels, sums }
        };
        directory.iter().map(total).collect()
    }

    fn replies(&self) -> Vec<ReasonTotals> {
        let total = |(labels, id): (Labels, u32)| {
            let count = self.shards.values().map(|shard| shard.replies(id)).sum();
            ReasonTotals { reason: labels.name, count }
        };
        self.reasons.iter().map(total).collect()
    }

    fn decisions(&self) -> Vec<DecisionTotals> {
        let total = |(labels, id): (Labels, u32)| {
            let count = self.shards.values().map(|shard| shard.decisions(id)).sum();
            DecisionTotals { scope: labels.name, decision: labels.address, count }
        };
        self.decisions.iter().map(total).collect()
    }

    fn folded(&self) -> [(&'static str, u64); 6] {
        let Directories { listeners, routes, upstreams, endpoints } = &self.directories;
        [
            ("listener", listeners.folded()),
            ("route", routes.folded()),
            ("upstream", upstreams.folded()),
            ("endpoint", endpoints.folded()),
            ("reason", self.reasons.folded()),
            ("decision", self.decisions.folded()),
        ]
    }
}

#[derive(Debug, Default)]
struct Directories {
    listeners: Directory,
    routes: Directory,
    upstreams: Directory,
    endpoints: Directory,
}

impl Directories {
    fn of(&self, kind: SeriesKind) -> &Directory {
        match kind {
            SeriesKind::Listener => &self.listeners,
            SeriesKind::Route => &self.routes,
            SeriesKind::Upstream => &self.upstreams,
            SeriesKind::Endpoint => &self.endpoints,
        }
    }

    fn of_mut(&mut self, kind: SeriesKind) -> &mut Directory {
        match kind {
            SeriesKind::Listener => &mut self.listeners,
            SeriesKind::Route => &mut self.routes,
            SeriesKind::Upstream => &mut self.upstreams,
            SeriesKind::Endpoint => &mut self.endpoints,
        }
    }
}

type Shards = BTreeMap<WorkerId, Arc<Shard>>;

/// The sums of a series over all shards.
fn sums(shards: &Shards, kind: SeriesKind, id: u32) -> Sums {
    let mut sums = Sums::default();
    shards.values().filter_map(|shard| shard.cells(kind, id)).for_each(|cells| sums.add(cells));
    if kind == SeriesKind::Listener {
        let edges = shards.values().filter_map(|shard| shard.edge_cells(id));
        edges.for_each(|cells| sums.edge.add(cells));
    }
    sums
}

/// How many names of each kind keep a series of their own, unless configured.
pub const SERIES_MAX: usize = 1000;

#[cfg(test)]
mod tests;
