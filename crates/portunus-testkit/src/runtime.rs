//! The runtime below the clients and origins that need one: TLS and HTTP/2.
//!
//! Tests never see it: they call blocking functions, which wait here.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// The runtime of this process.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all().build().expect("a runtime starts")
    })
}

/// Waits for what a future gives; an error after the limit.
pub(crate) fn wait_at_most<T>(
    limit: Duration,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    runtime().block_on(async {
        let result = tokio::time::timeout(limit, future).await;
        result.unwrap_or_else(|_| Err(Error::from(ErrorKind::TimedOut)))
    })
}

/// Waits for what a future gives; fails the test with `what` after [`crate::DEADLINE`].
#[track_caller]
pub(crate) fn wait<T>(what: &str, future: impl Future<Output = T>) -> T {
    let limit = crate::DEADLINE;
    let result = runtime().block_on(async { tokio::time::timeout(limit, future).await });
    result.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}
