//! Per-worker metric shards, access-log records, and the one list of names.
//!
//! A worker records with plain stores into its own shard and its own log buffer: it takes no lock, makes no
//! syscall, and allocates only for a series' or a buffer's first use. Control reads the shards; one thread
//! writes the log. Nothing here knows a route, an upstream or a configuration format: only their names.

pub mod access;
pub mod log_writer;
pub mod metrics;
pub mod names;

pub use access::{AccessRecord, Format, FormatError, TimeCache};
pub use log_writer::{LogHandle, LogStats, LogTarget, LogWriter};
pub use metrics::{
    Connect, DecisionId, EndpointSeries, Exposition, ListenerSeries, Options, Outcome, Place,
    ReasonId, Registry, RouteSeries, SeriesId, SeriesKind, Shard, Totals, UpstreamSeries,
};
