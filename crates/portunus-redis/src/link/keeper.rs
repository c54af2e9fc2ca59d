//! Makes a link's connection, notices when it is of no use any more, and makes another.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use portunus_base::Rng;
use portunus_resilience::{Backoff, BackoffRule};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisResult};
use tokio::time::{Instant, timeout};

use super::{Link, State};
use crate::shared::Life;
use crate::tally::count;

/// What reads and writes for a connection; it ends when the connection does.
type Driver = Pin<Box<dyn Future<Output = ()>>>;

/// Keeps `link` until `life` ends.
pub(super) async fn keep(link: Rc<Link>, mut life: Life) {
    let _over = Over(&link);
    tokio::select! {
        () = life.ended() => {}
        () = connect_for_ever(&link) => {}
    }
}

async fn connect_for_ever(link: &Link) {
    let longest = link.plan.retry_every_max;
    let rule = BackoffRule { first: RETRY_FIRST.min(longest), longest };
    let mut backoff = Backoff::new(rule, Rng::from_system());
    loop {
        match timeout(link.plan.connect_timeout, connect(link)).await {
            Ok(Ok((connection, driver))) => {
                let start = Instant::now();
                use_up(link, connection, driver).await;
                let is_good = start.elapsed() >= LIFE_MIN;
                if is_good {
                    backoff.reset();
                }
                if !link.is_down() {
                    // It broke while it was in use: a restart, or a proxy in between. The next may be there at once; one
                    // that breaks again and again is not made as fast as it goes.
                    link.set(State::Connecting);
                    if !is_good {
                        tokio::time::sleep(backoff.fail()).await;
                    }
                    continue;
                }
                told(link, "it does not answer, or with errors");
            }
            Ok(Err(error)) => told(link, &error.to_string()),
            Err(_) => told(link, "no answer in time"),
        }
        link.set(State::Down);
        tokio::time::sleep(backoff.fail()).await;
    }
}

/// Lets everybody ask over `connection` until it breaks or the breaker opens.
async fn use_up(link: &Link, connection: MultiplexedConnection, driver: Driver) {
    if link.is_told.replace(false) {
        tracing::info!("redis {} answers again", link.plan.destination);
    }
    link.failures.set(0);
    link.set(State::Up(connection));
    count(&link.tally.connected);
    tokio::select! {
        () = driver => {}
        () = until_down(link) => {}
    }
}

async fn until_down(link: &Link) {
    while !link.is_down() {
        link.changed.notified().await;
    }
}

/// A connection to a Redis that takes writes, and what drives it.
async fn connect(link: &Link) -> RedisResult<(MultiplexedConnection, Driver)> {
    let plan = &link.plan;
    let stream = plan.destination.open().await?;
    // Asks have their own bounds.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_pipeline_buffer_size(plan.asks_max);
    let made = MultiplexedConnection::new_with_config(&plan.login, stream, config).await?;
    let (mut connection, driver) = made;
    let mut driver: Driver = Box::pin(driver);
    tokio::select! {
        () = &mut driver => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        done = probe(link, &mut connection) => done?,
    }
    Ok((connection, driver))
}

/// A replica, a full memory and a user without our keys show here, and not in front of a client.
async fn probe(link: &Link, connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let mut pipeline = Pipeline::new();
    link.scripts.load(&mut pipeline);
    pipeline.cmd("SET").arg("portunus:probe").arg(1).arg("PX").arg(1000).ignore();
    pipeline.query_async(connection).await
}

/// Told once for each outage, before the link is marked.
fn told(link: &Link, why: &str) {
    if !link.is_told.replace(true) {
        tracing::warn!("redis {} cannot be asked: {why}", link.plan.destination);
    }
}

/// Nobody keeps the link any more, perhaps because the runtime is at its end.
struct Over<'a>(&'a Link);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.set(State::Over);
    }
}

/// A connection that lives shorter is as one that could not be made.
const LIFE_MIN: Duration = Duration::from_secs(1);
/// The most that the first try after a failure waits.
const RETRY_FIRST: Duration = Duration::from_millis(100);
