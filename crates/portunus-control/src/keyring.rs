//! Consumers and their keys: those of the configuration, and those that are made while Portunus runs.
//!
//! All of them are in memory, in one table that workers read without a lock. A store that is down takes nothing away:
//! what was last known of it stays in force.

mod change;
mod follow;
mod merge;

use std::path::PathBuf;
#[expect(clippy::disallowed_types, reason = "only control takes it, and never for long")]
use std::sync::Mutex;
use std::sync::{Arc, MutexGuard, PoisonError};

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_compile::{ConsumerSource, KeyStoreSource};
use portunus_identity::{Consumers, Directory};
use portunus_store::{
    CredentialStore, Embedded, Postgres, PostgresPlan, Records, Redis, RedisStorePlan, StoreError,
};
use tokio::runtime::Handle;
use tokio::sync::Notify;

pub(crate) use self::change::{KeyWish, KeyringError, MadeKey};
use self::follow::Follow;
use self::merge::merge;

/// The consumers in force, and where more of them come from.
pub(crate) struct Keyring {
    directory: Arc<Directory>,
    /// Where the embedded store is.
    folder: PathBuf,
    /// Where stores are asked: control may be busy with a configuration.
    home: Handle,
    #[expect(clippy::disallowed_types, reason = "only control takes it, and never for long")]
    known: Mutex<Known>,
    /// Held while a store is asked and what it says is taken over, so that nothing older comes after.
    asking: tokio::sync::Mutex<()>,
    /// The store has just been found not to answer, by whoever asked.
    lost: Notify,
}

#[derive(Default)]
struct Known {
    source: Arc<ConsumerSource>,
    records: Arc<Records>,
    store: Option<Arc<dyn CredentialStore>>,
    health: StoreHealth,
    /// What was said of two that claim to be the same.
    clashes: Vec<String>,
    /// The table in force and the one before it. A worker that still reads an old one must not be the one who drops it.
    tables: [Arc<Consumers>; 2],
}

/// How the store of keys is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum StoreHealth {
    /// There is none.
    #[default]
    Off,
    /// It was not asked yet.
    New,
    /// It answers.
    Up,
    /// It does not answer.
    Down {
        /// Why.
        error: StoreError,
        /// Since when.
        since: Wall,
    },
}

/// What is known of consumers and keys at one moment.
pub(crate) struct Seen {
    pub(crate) source: Arc<ConsumerSource>,
    pub(crate) records: Arc<Records>,
    /// The name of the store; `off` where there is none.
    pub(crate) store: &'static str,
    pub(crate) health: StoreHealth,
}

impl Keyring {
    pub(crate) fn new(directory: Arc<Directory>, state: &std::path::Path, home: Handle) -> Self {
        let (folder, known) = (state.to_owned(), Default::default());
        Self { directory, folder, home, known, asking: Default::default(), lost: Notify::new() }
    }

    pub(crate) fn seen(&self) -> Seen {
        let known = self.known();
        Seen {
            source: Arc::clone(&known.source),
            records: Arc::clone(&known.records),
            store: known.store.as_ref().map_or("off", |store| store.name()),
            health: known.health.clone(),
        }
    }

    /// Takes over what a configuration says of consumers.
    fn describe(&self, source: &Arc<ConsumerSource>) {
        let mut known = self.known();
        known.source = Arc::clone(source);
        self.publish(&mut known);
    }

    /// Makes everybody see what is known.
    fn publish(&self, known: &mut Known) {
        let (consumers, clashes) = merge(&known.source, &known.records);
        let table = Arc::new(consumers);
        self.directory.publish(Arc::clone(&table));
        let [current, _] = std::mem::take(&mut known.tables);
        known.tables = [table, current];
        for clash in clashes.iter().filter(|clash| !known.clashes.contains(clash)) {
            tracing::warn!("{clash}");
        }
        known.clashes = clashes;
    }

    /// Opens another store in place of the one of now. What is known stays until it answers.
    fn change_store(&self, source: &KeyStoreSource) -> Option<Arc<dyn CredentialStore>> {
        let opened = self.open(source);
        let mut known = self.known();
        match opened {
            Ok(store) => {
                known.health = if store.is_some() { StoreHealth::New } else { StoreHealth::Off };
                known.store = store;
            }
            Err(error) => {
                tracing::warn!("the store of keys cannot be used: {error}");
                known.health = StoreHealth::Down { error, since: SystemClock.wall() };
                known.store = None;
            }
        }
        if known.health == StoreHealth::Off {
            known.records = Arc::default();
            self.publish(&mut known);
        }
        known.store.clone()
    }

    fn open(
        &self,
        source: &KeyStoreSource,
    ) -> Result<Option<Arc<dyn CredentialStore>>, StoreError> {
        let roots = |pem: &Option<Box<str>>| pem.as_ref().map(|pem| Arc::from(pem.as_bytes()));
        Ok(Some(match source {
            KeyStoreSource::Off => return Ok(None),
            KeyStoreSource::Embedded => Arc::new(Embedded::new(self.folder.join(FILE))),
            KeyStoreSource::Redis(plan) => Arc::new(Redis::new(&RedisStorePlan {
                url: plan.url.expose().to_owned(),
                timeout: plan.timeout,
                roots_pem: roots(&plan.ca_pem),
            })?),
            KeyStoreSource::Postgres(plan) => Arc::new(Postgres::new(&PostgresPlan {
                url: plan.url.expose().to_owned(),
                timeout: plan.timeout,
                roots_pem: roots(&plan.ca_pem),
            })?),
        }))
    }

    /// Asks the store for all that it knows, and makes it seen. A store that does not answer changes nothing.
    async fn refresh(&self, store: &Arc<dyn CredentialStore>) -> Result<(), StoreError> {
        let _asking = self.asking.lock().await;
        let rows = store.list().await;
        let mut known = self.known();
        let is_current = known.store.as_ref().is_some_and(|current| Arc::ptr_eq(current, store));
        if !is_current {
            return Ok(());
        }
        self.heed(&mut known, rows.as_ref().err());
        let records = Records::read(&rows?);
        let before = known.records.keys.len();
        if before > 0 && records.keys.is_empty() {
            tracing::warn!(
                "the store of keys ({}) has none of its {before} keys any more",
                store.name()
            );
        }
        if *known.records != records {
            known.records = Arc::new(records);
            self.publish(&mut known);
        }
        Ok(())
    }

    /// Notes how the store is, and tells of a change.
    fn heed(&self, known: &mut Known, error: Option<&StoreError>) {
        let name = known.store.as_ref().map_or("", |store| store.name());
        known.health = match (&known.health, error) {
            (StoreHealth::Down { .. }, None) => {
                tracing::info!("the store of keys ({name}) answers again");
                StoreHealth::Up
            }
            (_, None) => StoreHealth::Up,
            (StoreHealth::Down { since, .. }, Some(error)) => {
                StoreHealth::Down { error: error.clone(), since: *since }
            }
            (_, Some(error)) => {
                let keys = known.records.keys.len();
                tracing::warn!(
                    "the store of keys ({name}) does not answer, the {keys} keys known of it stay: {error}"
                );
                self.lost.notify_one();
                StoreHealth::Down { error: error.clone(), since: SystemClock.wall() }
            }
        };
    }

    /// Gives what only one process can hold to one that takes over. What is known stays in force.
    pub(crate) async fn hand_over(&self) {
        let Some(store) = self.known().store.clone() else { return };
        if let Err(error) = store.hand_over().await {
            tracing::warn!("the store of keys is not handed over: {error}");
        }
    }

    /// Takes it back from a process that did not want it.
    pub(crate) async fn take_back(&self) {
        let Some(store) = self.known().store.clone() else { return };
        if let Err(error) = store.take_back().await {
            tracing::warn!("the store of keys is not there: {error}");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a keyring in step with the configuration and with its store.
pub(crate) struct KeyringKeeper {
    keyring: Arc<Keyring>,
    source: Option<KeyStoreSource>,
    follow: Option<Follow>,
}

impl KeyringKeeper {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self { keyring: Arc::new(keyring), source: None, follow: None }
    }

    pub(crate) fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Takes over what a configuration says. With a new store it waits a little for what that knows.
    pub(crate) async fn serve(&mut self, consumers: &Arc<ConsumerSource>, store: &KeyStoreSource) {
        self.keyring.describe(consumers);
        if self.source.as_ref() == Some(store) {
            return;
        }
        self.source = Some(store.clone());
        self.follow = None;
        if let Some(store) = self.keyring.change_store(store) {
            let follow = Follow::start(&self.keyring, store);
            self.follow.insert(follow).first().await;
        }
    }
}

/// The embedded store in the state folder.
const FILE: &str = "keys.redb";

#[cfg(test)]
mod tests;
