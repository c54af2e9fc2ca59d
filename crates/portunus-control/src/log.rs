//! The program's own log on standard error, and the writer of the access log.

use std::io;
use std::sync::{Arc, OnceLock};

use portunus_config::spec::{LevelSpec, LogTargetSpec};
use portunus_telemetry::log_writer::BUFFERS_MAX;
use portunus_telemetry::{LogTarget, LogWriter, Registry};
use tracing_subscriber::Registry as Spans;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{Handle, Layer};

use crate::StartError;
use crate::source::Accepted;

/// Starts the program's own log, or changes its level when it is there already.
pub(crate) fn set_level(level: LevelSpec) {
    static LEVEL: OnceLock<Handle<LevelFilter, Spans>> = OnceLock::new();
    let level = filter(level);
    let handle = LEVEL.get_or_init(|| {
        let (filter, handle) = Layer::new(level);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(false)
            .with_target(false);
        let log = tracing_subscriber::registry().with(filter).with(lines);
        // An embedding program may have a log of its own; then ours is its.
        let _ = tracing::subscriber::set_global_default(log);
        handle
    });
    let _ = handle.reload(level);
}

fn filter(level: LevelSpec) -> LevelFilter {
    match level {
        LevelSpec::Error => LevelFilter::ERROR,
        LevelSpec::Warn => LevelFilter::WARN,
        LevelSpec::Info => LevelFilter::INFO,
        LevelSpec::Debug => LevelFilter::DEBUG,
        LevelSpec::Trace => LevelFilter::TRACE,
    }
}

/// Starts the writer of the access log; `None` when there is to be none.
pub(crate) fn start_access_log(
    accepted: &Accepted,
    metrics: &Registry,
) -> Result<Option<Arc<LogWriter>>, StartError> {
    let to = &accepted.spec.log.access.to.value;
    let target = match to {
        LogTargetSpec::Off => return Ok(None),
        LogTargetSpec::Stdout => LogTarget::Stdout,
        LogTargetSpec::Stderr => LogTarget::Stderr,
        LogTargetSpec::File(path) => LogTarget::File(accepted.loaded.base.join(path)),
    };
    let writer = LogWriter::start(target, BUFFERS_MAX).map_err(|error| {
        StartError::system(&format!("cannot write the access log to {to}"), error)
    })?;
    metrics.attach_log(writer.stats());
    Ok(Some(Arc::new(writer)))
}
