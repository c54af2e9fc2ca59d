//! Rows in Redis or Valkey, shared by several nodes.
//!
//! One hash holds them. Each write is a script that also publishes on a channel, which the others listen to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script, TlsCertificates};
use tokio::sync::{Mutex, Notify};

use crate::{CredentialStore, Row, RowKind, StoreError, StoreFuture};

/// How Redis is reached. `Debug` shows no password.
#[derive(Clone)]
pub struct RedisStorePlan {
    /// `redis://`, `rediss://` or `unix://`, perhaps with user and password.
    pub url: String,
    /// Bound on one answer, and on connecting.
    pub timeout: Duration,
    /// The authorities to trust in PEM, instead of the system's.
    pub roots_pem: Option<Arc<[u8]>>,
}

impl fmt::Debug for RedisStorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStorePlan(timeout {:?})", self.timeout)
    }
}

/// Rows in a hash of Redis.
pub struct Redis {
    client: Client,
    timeout: Duration,
    connection: Mutex<Option<ConnectionManager>>,
    put: Script,
    remove: Script,
}

impl Redis {
    /// The store at this place. Nothing is connected yet.
    ///
    /// # Errors
    /// The URL or the certificates make no sense.
    pub fn new(plan: &RedisStorePlan) -> Result<Self, StoreError> {
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: plan.roots_pem.as_ref().map(|pem| pem.to_vec()),
        };
        let client = match plan.url.starts_with("rediss://") || plan.url.starts_with("valkeys://") {
            true => Client::build_with_tls(plan.url.as_str(), certificates),
            false => Client::open(plan.url.as_str()),
        };
        // What is wrong with a URL may repeat its password.
        let client = client.map_err(|_| StoreError::new(URL_FORM))?;
        Ok(Self {
            client,
            timeout: plan.timeout.max(TIMEOUT_MIN),
            connection: Mutex::default(),
            put: Script::new(PUT),
            remove: Script::new(REMOVE),
        })
    }

    /// The connection, which mends itself once it is there.
    async fn connection(&self) -> Result<ConnectionManager, StoreError> {
        let mut place = self.connection.lock().await;
        if let Some(connection) = &*place {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let made = self.client.get_connection_manager_with_config(config).await;
        let made = made.map_err(|error| of(&error))?;
        Ok(place.insert(made).clone())
    }

    async fn put(&self, row: &Row, wanted: &str) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let mut call = self.put.key(KEY);
        call.arg(field(row.kind, &row.id)).arg(&row.text).arg(wanted).arg(CHANNEL);
        call.invoke_async(&mut connection).await.map_err(|error| of(&error))
    }

    /// Listens until the connection ends.
    async fn listen(&self, changed: &Notify) -> StoreError {
        let connect = tokio::time::timeout(self.timeout, self.client.get_async_pubsub());
        let mut channel = match connect.await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return of(&error),
            Err(_) => return StoreError::new("no answer in time"),
        };
        if let Err(error) = channel.subscribe(CHANNEL).await {
            return of(&error);
        }
        // What changed before is not told.
        changed.notify_one();
        let mut messages = channel.into_on_message();
        while messages.next().await.is_some() {
            changed.notify_one();
        }
        StoreError::new("the server has closed the connection")
    }
}

impl CredentialStore for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn list(&self) -> StoreFuture<'_, Vec<Row>> {
        Box::pin(async {
            let mut connection = self.connection().await?;
            let mut command = redis::cmd("HGETALL");
            let pairs: Result<Vec<(String, String)>, _> =
                command.arg(KEY).query_async(&mut connection).await;
            let row = |(field, text): (String, String)| {
                let (kind, id) = field.split_once('/')?;
                Some(Row { kind: RowKind::from_word(kind)?, id: id.to_owned(), text })
            };
            Ok(pairs.map_err(|error| of(&error))?.into_iter().filter_map(row).collect())
        })
    }

    fn insert(&self, row: Row) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.put(&row, "0").await })
    }

    fn replace(&self, row: Row) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.put(&row, "1").await })
    }

    fn remove(&self, kind: RowKind, id: &str) -> StoreFuture<'_, bool> {
        let field = field(kind, id);
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let mut call = self.remove.key(KEY);
            call.arg(field).arg(CHANNEL);
            call.invoke_async(&mut connection).await.map_err(|error| of(&error))
        })
    }

    fn watch(self: Arc<Self>, changed: Arc<Notify>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            loop {
                let error = self.listen(&changed).await;
                tracing::debug!("redis tells nothing of changes for a while: {error}");
                tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
            }
        })
    }

    fn look_every(&self) -> Option<Duration> {
        Some(LOOK_EVERY)
    }
}

fn field(kind: RowKind, id: &str) -> String {
    format!("{}/{id}", kind.word())
}

fn of(error: &RedisError) -> StoreError {
    StoreError::chain(error)
}

/// Writes a field where it is there (`1`) or is not there (`0`), as wanted.
const PUT: &str = "if redis.call('HEXISTS', KEYS[1], ARGV[1]) ~= tonumber(ARGV[3]) then return 0 end \
                   redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) \
                   redis.call('PUBLISH', ARGV[4], '') return 1";
const REMOVE: &str = "if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end \
                      redis.call('PUBLISH', ARGV[2], '') return 1";
const URL_FORM: &str = "the URL is not of the form redis://user:password@host:port/database";
const KEY: &str = "portunus:credentials";
const CHANNEL: &str = "portunus:credentials";
/// The usual bound is for limits, which requests wait for. Nobody is in such a hurry here.
const TIMEOUT_MIN: Duration = Duration::from_secs(2);
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
