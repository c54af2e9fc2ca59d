//! Against a real Redis. Each test starts its own, and is skipped where there is none.

mod exact;
mod leased;
mod trouble;

use std::time::Duration;

use portunus_testkit::RedisServer;

use crate::{Answer, RedisOptions, Shared, SharedError, SharedQuota};

/// Runs `main` as a worker does.
pub(crate) fn worker<T>(main: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    runtime.block_on(main())
}

/// A store whose asks wait long enough for a busy machine.
fn patient(server: &RedisServer) -> RedisOptions {
    let timeout = Duration::from_secs(10);
    RedisOptions { timeout, connect_timeout: timeout, ..RedisOptions::new(server.url()) }
}

fn shared(server: &RedisServer) -> Shared {
    Shared::new(&patient(server)).unwrap()
}

async fn admit(
    shared: &Shared,
    quota: &SharedQuota,
    key: &str,
    cost: u32,
) -> Result<Answer, SharedError> {
    shared.admit(quota, key.as_bytes(), cost)?.await
}

/// So many tokens at once, and as many again in an hour.
fn hourly(tokens: u64) -> SharedQuota {
    SharedQuota::new(&[(tokens, 3_600_000_000, tokens)]).unwrap()
}
