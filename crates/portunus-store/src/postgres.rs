//! Rows in PostgreSQL, shared by several nodes.
//!
//! One connection writes and lists, and is made anew when it has failed; another one listens for `NOTIFY`, which each
//! write sends in the same statement.

mod tls;

use std::future::{Future, pending, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::task::AbortHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};

use crate::{CredentialStore, Row, RowKind, StoreError, StoreFuture};
use tls::{Connector, TlsStream};

/// How PostgreSQL is reached. `Debug` shows no password.
#[derive(Clone)]
pub struct PostgresPlan {
    /// `postgres://user:password@host/database`.
    pub url: String,
    /// Bound on one query, and on connecting.
    pub timeout: Duration,
    /// The authorities to trust in PEM, instead of the system's.
    pub roots_pem: Option<Arc<[u8]>>,
}

impl std::fmt::Debug for PostgresPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresPlan(timeout {:?})", self.timeout)
    }
}

/// Rows in a table of PostgreSQL, which is made where it is not there.
pub struct Postgres {
    config: Config,
    connector: Connector,
    timeout: Duration,
    session: Mutex<Option<Session>>,
}

/// A connection and what drives it.
struct Session {
    client: Client,
    driver: AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Postgres {
    /// The store at this place. Nothing is connected yet.
    ///
    /// # Errors
    /// The URL or the certificates make no sense.
    pub fn new(plan: &PostgresPlan) -> Result<Self, StoreError> {
        // What is wrong with a URL may repeat its password.
        let parsed: Result<Config, _> = plan.url.parse();
        let mut config = parsed.map_err(|_| StoreError::new(URL_FORM))?;
        config.connect_timeout(plan.timeout).keepalives_idle(KEEPALIVE);
        if config.get_application_name().is_none() {
            config.application_name("portunus");
        }
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(if is_near(&config) { SslMode::Disable } else { SslMode::Require });
        }
        let connector = Connector::new(plan.roots_pem.as_deref())?;
        Ok(Self { config, connector, timeout: plan.timeout, session: Mutex::default() })
    }

    async fn connect(&self) -> Result<(Client, Connection<Socket, TlsStream>), StoreError> {
        let connected = within(self.timeout, self.config.connect(self.connector.clone())).await;
        connected.map_err(|error| StoreError::new(format!("{}: {error}", self.place())))
    }

    /// The server for messages.
    fn place(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "no host".to_owned(),
        }
    }

    /// Does something with a connection that has the table. One that fails is not used again.
    async fn ask<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let mut place = self.session.lock().await;
        let usable = place.take().filter(|session| !session.client.is_closed());
        let session = match usable {
            Some(session) => session,
            None => self.session().await?,
        };
        let result = within(self.timeout, work(&session.client)).await;
        if result.is_ok() {
            *place = Some(session);
        }
        result
    }

    async fn session(&self) -> Result<Session, StoreError> {
        let (client, connection) = self.connect().await?;
        let driver = drive(connection);
        let session = Session { client, driver };
        within(self.timeout, make_table(&session.client)).await?;
        Ok(session)
    }

    /// A statement that writes a row, tells others, and answers whether there was something to do.
    async fn write(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<bool, StoreError> {
        let statement = format!(
            "WITH written AS ({statement} RETURNING 1) \
             SELECT count(*), pg_notify('{CHANNEL}', '') FROM written"
        );
        let row = self.ask(async |client| client.query_one(&statement, parameters).await).await?;
        let count: i64 = row.try_get(0).map_err(|error| StoreError::chain(&error))?;
        Ok(count > 0)
    }

    /// Listens until the connection ends.
    async fn listen(&self, changed: &Notify) -> StoreError {
        let (client, mut connection) = match self.connect().await {
            Ok(connected) => connected,
            Err(error) => return error,
        };
        let hear = async {
            loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(_))) => changed.notify_one(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return StoreError::chain(&error),
                    None => return StoreError::new("the server has closed the connection"),
                }
            }
        };
        let ask = async {
            match client.batch_execute(&format!("LISTEN {CHANNEL}")).await {
                // What changed before is not told.
                Ok(()) => changed.notify_one(),
                Err(error) => return StoreError::chain(&error),
            }
            pending().await
        };
        tokio::select! {
            error = hear => error,
            error = ask => error,
        }
    }
}

impl CredentialStore for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn list(&self) -> StoreFuture<'_, Vec<Row>> {
        Box::pin(async {
            let select = format!("SELECT kind, id, text FROM {TABLE}");
            let found = self.ask(async |client| client.query(&select, &[]).await).await?;
            let mut rows = Vec::with_capacity(found.len());
            for row in found {
                let text = |at: usize| {
                    row.try_get::<_, String>(at).map_err(|error| StoreError::chain(&error))
                };
                let Some(kind) = RowKind::from_word(&text(0)?) else { continue };
                rows.push(Row { kind, id: text(1)?, text: text(2)? });
            }
            Ok(rows)
        })
    }

    fn insert(&self, row: Row) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let insert = format!(
                "INSERT INTO {TABLE} (kind, id, text) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
            );
            self.write(&insert, &[&row.kind.word(), &row.id, &row.text]).await
        })
    }

    fn replace(&self, row: Row) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let update = format!("UPDATE {TABLE} SET text = $3 WHERE kind = $1 AND id = $2");
            self.write(&update, &[&row.kind.word(), &row.id, &row.text]).await
        })
    }

    fn remove(&self, kind: RowKind, id: &str) -> StoreFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(async move {
            let delete = format!("DELETE FROM {TABLE} WHERE kind = $1 AND id = $2");
            self.write(&delete, &[&kind.word(), &id]).await
        })
    }

    fn watch(self: Arc<Self>, changed: Arc<Notify>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            loop {
                let error = self.listen(&changed).await;
                tracing::debug!("postgres tells nothing of changes for a while: {error}");
                tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
            }
        })
    }

    fn look_every(&self) -> Option<Duration> {
        Some(LOOK_EVERY)
    }
}

async fn make_table(client: &Client) -> Result<(), tokio_postgres::Error> {
    // Who may not make tables can still use one that is there.
    let is_there = format!("SELECT to_regclass('{TABLE}') IS NOT NULL");
    if client.query_one(&is_there, &[]).await?.try_get(0)? {
        return Ok(());
    }
    // Two nodes that start at once must not make it both.
    let make = format!(
        "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); \
         CREATE TABLE IF NOT EXISTS {TABLE} \
         (kind text NOT NULL, id text NOT NULL, text text NOT NULL, PRIMARY KEY (kind, id)); COMMIT"
    );
    client.batch_execute(&make).await
}

#[expect(clippy::disallowed_methods, reason = "the connection lives on control's runtime")]
fn drive(connection: Connection<Socket, TlsStream>) -> AbortHandle {
    let driver = tokio::spawn(async move {
        // Whoever uses the client hears of it.
        let _ = connection.await;
    });
    driver.abort_handle()
}

async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result.map_err(|error| StoreError::chain(&error)),
        Err(_) => Err(StoreError::new(format!("no answer in {} ms", timeout.as_millis()))),
    }
}

/// Whether the server is on this machine, so that nobody stands between.
fn is_near(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    })
}

const URL_FORM: &str = "the URL is not of the form postgres://user:password@host:port/database";
const TABLE: &str = "portunus_credentials";
const CHANNEL: &str = "portunus_credentials";
/// Any number that no other program is likely to use.
const LOCK: i64 = 0x706f_7274_756e_7573;
const KEEPALIVE: Duration = Duration::from_secs(30);
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
