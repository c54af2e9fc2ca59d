//! Counters, gauges and histograms: each worker writes its own shard, control sums them.

mod chunks;
mod directory;
mod edge;
mod exposition;
mod histogram;
mod process;
mod registry;
mod series;
mod shard;
mod totals;

pub use edge::{EdgeSums, HANDSHAKES};
pub use exposition::Exposition;
pub use histogram::BOUNDS_US;
pub use registry::{Options, Registry, SERIES_MAX};
pub use series::{
    CLASSES, Count, DecisionId, EndpointSeries, Labels, ListenerSeries, ReasonId, RouteSeries,
    SeriesId, SeriesKind, Sums, UpstreamSeries,
};
pub use shard::{Connect, Outcome, Place, Shard};
pub use totals::{
    BreakerTotals, CertificateTotals, ConfigTotals, EndpointStateTotals, LogTotals, ProcessTotals,
    QueueTotals, ReasonTotals, RenewalTotals, SeriesTotals, Totals,
};
