//! Series: what is counted for one listener, route, upstream or endpoint, and the ids that name them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::edge::{EdgeSums, add, subtract};
use super::histogram::{BOUNDS_US, BUCKETS};

/// What a series is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeriesKind {
    /// A listener.
    Listener,
    /// A route.
    Route,
    /// An upstream.
    Upstream,
    /// An endpoint of an upstream.
    Endpoint,
}

impl SeriesKind {
    /// The labels that name a series of this kind.
    #[must_use]
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Listener => &["listener"],
            Self::Route => &["route"],
            Self::Upstream => &["upstream"],
            Self::Endpoint => &["upstream", "endpoint"],
        }
    }
}

/// The id of a series: small, dense, stable as long as the series is retained.
pub trait SeriesId: Copy + sealed::Sealed {
    /// What it is the id of.
    const KIND: SeriesKind;
    /// The id as an index.
    fn index(self) -> u32;
}

mod sealed {
    /// Keeps the ids a closed set.
    pub trait Sealed {}
}

macro_rules! series_ids {
    ($($(#[$doc:meta])* $name:ident: $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub struct $name(pub(super) u32);

        impl sealed::Sealed for $name {}

        impl SeriesId for $name {
            const KIND: SeriesKind = SeriesKind::$kind;

            #[inline]
            fn index(self) -> u32 {
                self.0
            }
        }
    )*};
}

series_ids! {
    /// A listener's series. The default is the shared series `other`.
    ListenerSeries: Listener;
    /// A route's series. The default is the shared series `other`.
    RouteSeries: Route;
    /// An upstream's series. The default is the shared series `other`.
    UpstreamSeries: Upstream;
    /// An endpoint's series. The default is the shared series `other`.
    EndpointSeries: Endpoint;
}

/// The id of a reason code. The default is the shared code `other`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ReasonId(pub(super) u32);

/// The id of a filter's decision. The default is the shared series `other`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct DecisionId(pub(super) u32);

/// What names a series.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Labels {
    /// The name of the listener, route or upstream; of an endpoint, its upstream's.
    pub name: Box<str>,
    /// The address of an endpoint; empty for the other kinds.
    pub address: Box<str>,
}

impl Labels {
    pub(super) fn new(name: &str, address: &str) -> Self {
        Self { name: name.into(), address: address.into() }
    }
}

/// The plain counts of a series. A count that means nothing for a kind stays 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// Bytes read from clients.
    BytesIn,
    /// Bytes written to clients.
    BytesOut,
    /// Requests under way.
    InFlight,
    /// Connections accepted.
    Accepted,
    /// Connections open.
    Open,
    /// Connections refused.
    Refused,
    /// Connections that could not be accepted.
    Unaccepted,
    /// Attempts after the first.
    Retries,
    /// Attempts beside one that has no answer yet.
    Hedges,
    /// Those of them that gave the answer.
    HedgeWins,
    /// Clients whose endpoint could not keep them.
    StickyMoves,
    /// Upstream connections taken from the pool.
    Reused,
    /// Upstream connections dialled.
    Fresh,
    /// Upstream connections that could not be dialled.
    Failed,
    /// Ejections of an endpoint for answers from 500 on in a row.
    Ejected5xx,
    /// Ejections of an endpoint for failures in a row.
    EjectedFailures,
    /// Ejections of an endpoint for its share of bad results.
    EjectedErrorRate,
    /// Ejections of an endpoint for more bad results than the others have.
    EjectedSuccessRate,
    /// Ejections of an endpoint for being slower than the others.
    EjectedLatency,
    /// 1 while an endpoint is ejected.
    Ejected,
}

impl Count {
    /// Whether it goes up and down.
    #[must_use]
    pub fn is_gauge(self) -> bool {
        GAUGES.contains(&self)
    }
}

/// A number with one writer: it is read and stored, never modified under a lock prefix.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

impl Cell {
    #[inline]
    pub(super) fn add(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(by), Relaxed);
    }

    #[inline]
    pub(super) fn sub(&self, by: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(by), Relaxed);
    }

    pub(super) fn load(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One shard's part of a series.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Cells {
    codes: [Cell; CLASSES.len()],
    duration_us: Cell,
    counts: [Cell; COUNTS],
    buckets: [Cell; BUCKETS],
}

impl Cells {
    #[inline]
    pub(super) fn count(&self, count: Count) -> &Cell {
        // Each variant is an index of the array: the fallback is never taken.
        self.counts.get(count as usize).unwrap_or(&self.duration_us)
    }

    /// Records one request that has ended.
    #[inline]
    pub(super) fn request(
        &self,
        class: usize,
        bucket: usize,
        us: u64,
        bytes_in: u64,
        bytes_out: u64,
    ) {
        if let (Some(code), Some(bucket)) = (self.codes.get(class), self.buckets.get(bucket)) {
            code.add(1);
            bucket.add(1);
        }
        self.duration_us.add(us);
        self.count(Count::BytesIn).add(bytes_in);
        self.count(Count::BytesOut).add(bytes_out);
    }
}

/// The class of a status as an index of [`CLASSES`].
#[inline]
pub(super) fn class(status: u16) -> usize {
    match status / 100 {
        hundreds @ 1..=5 => usize::from(hundreds) - 1,
        _ => CLASSES.len() - 1,
    }
}

/// The sums of a series over all shards.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sums {
    /// Requests by class of status, in the order of [`CLASSES`].
    pub codes: [u64; CLASSES.len()],
    /// Requests by duration; the bounds are [`BOUNDS_US`], the last bucket has none.
    pub buckets: [u64; BUCKETS],
    /// The sum of all durations.
    pub duration_us: u64,
    counts: [u64; COUNTS],
    /// What a listener counts before there is a request; nothing for the other kinds.
    pub edge: EdgeSums,
}

impl Sums {
    /// One of the plain counts.
    #[must_use]
    pub fn count(&self, count: Count) -> u64 {
        let value = self.counts.get(count as usize).copied().unwrap_or_default();
        // Shards are read one after the other, so a gauge may look negative for a moment.
        if count.is_gauge() && value > i64::MAX as u64 { 0 } else { value }
    }

    /// All requests that ended.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.codes.iter().sum()
    }

    /// The upper bound of the bucket in which the share `quantile` (0.0 to 1.0) of the requests ended, in
    /// microseconds; `None` without requests, or when it is longer than the last bound.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> Option<u64> {
        let total: u64 = self.buckets.iter().sum();
        let rank = ((total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        BOUNDS_US.iter().zip(self.buckets).find_map(|(bound, requests)| {
            seen += requests;
            (seen >= rank).then_some(*bound)
        })
    }

    /// Adds one shard's part.
    pub(super) fn add(&mut self, cells: &Cells) {
        add(&mut self.codes, &cells.codes);
        add(&mut self.buckets, &cells.buckets);
        add(&mut self.counts, &cells.counts);
        self.duration_us = self.duration_us.wrapping_add(cells.duration_us.load());
    }

    /// Takes away what an earlier series counted in the same cells. Gauges stay: they are of now.
    pub(super) fn subtract(&mut self, earlier: &Self) {
        let gauges = GAUGES.map(|gauge| self.count(gauge));
        subtract(&mut self.codes, &earlier.codes);
        subtract(&mut self.buckets, &earlier.buckets);
        subtract(&mut self.counts, &earlier.counts);
        self.edge.subtract(&earlier.edge);
        self.duration_us = self.duration_us.wrapping_sub(earlier.duration_us);
        for (gauge, value) in GAUGES.into_iter().zip(gauges) {
            if let Some(count) = self.counts.get_mut(gauge as usize) {
                *count = value;
            }
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        GAUGES.iter().all(|gauge| self.count(*gauge) == 0)
    }
}

/// The classes of answers; the last one is of exchanges that ended without an answer.
pub const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
/// Why endpoints are ejected, as a label says it.
pub(super) const EJECTIONS: [(&str, Count); 5] = [
    ("consecutive_5xx", Count::Ejected5xx),
    ("consecutive_failures", Count::EjectedFailures),
    ("error_rate", Count::EjectedErrorRate),
    ("success_rate", Count::EjectedSuccessRate),
    ("latency", Count::EjectedLatency),
];
const GAUGES: [Count; 3] = [Count::InFlight, Count::Open, Count::Ejected];
/// The number of [`Count`]'s variants.
const COUNTS: usize = Count::Ejected as usize + 1;
