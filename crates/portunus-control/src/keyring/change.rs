//! What can be done to consumers and keys while Portunus runs.

use std::fmt;
use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_identity::KeyHash;
use portunus_store::{
    CredentialStore, KeyText, Record, RowKind, StoreError, StoredConsumer, StoredKey,
};

use super::{Keyring, Seen};

/// A key that somebody wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyWish {
    /// Its id; one is made up without it.
    pub(crate) id: Option<String>,
    /// When it is to end.
    pub(crate) expires: Option<Wall>,
}

/// A key that was made. Its text is nowhere else, and is shown once.
#[derive(Debug)]
pub(crate) struct MadeKey {
    pub(crate) key: StoredKey,
    pub(crate) text: KeyText,
}

/// Why something was not done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum KeyringError {
    /// No store takes it.
    NoStore,
    /// The store did not do it.
    Store(StoreError),
    /// It is not there.
    Missing(String),
    /// It is there already, or is not the store's.
    Taken(String),
    /// It cannot be like that.
    Wrong(String),
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => f.write_str("`stores.keys` is off: no keys are made at run time"),
            Self::Store(error) => write!(f, "the store of keys does not answer: {error}"),
            Self::Missing(text) | Self::Taken(text) | Self::Wrong(text) => f.write_str(text),
        }
    }
}

impl From<StoreError> for KeyringError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Keyring {
    /// Does something on the thread where stores are asked, to its end, whether or not anybody waits for it.
    pub(crate) async fn at_home<T, F>(
        self: Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F + Send + 'static,
    ) -> Result<T, KeyringError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, KeyringError>> + Send + 'static,
    {
        let home = self.home.clone();
        let done = home.spawn(async move { work(self).await }).await;
        done.unwrap_or_else(|error| Err(StoreError::new(error.to_string()).into()))
    }

    /// Adds a consumer to the store.
    pub(crate) async fn add_consumer(&self, consumer: StoredConsumer) -> Result<(), KeyringError> {
        word("the name", &consumer.name)?;
        word("the id", &consumer.id)?;
        consumer.groups.iter().try_for_each(|group| word("a group", group))?;
        // What other nodes did a moment ago is known then.
        self.refresh(&self.store()?).await?;
        let seen = self.seen();
        if let Some(plan) = &consumer.plan
            && !seen.source.plans.contains_key(plan.as_str())
        {
            return Err(KeyringError::Wrong(format!("there is no plan `{plan}`")));
        }
        let (name, id) = (&consumer.name, &consumer.id);
        let in_file = || seen.source.consumers.iter().map(|known| &known.consumer);
        let taken_id = in_file().any(|known| *known.id == **id)
            || seen.records.consumers.values().any(|known| known.id == *id);
        let taken_name = in_file().any(|known| *known.name == **name)
            || seen.records.consumers.contains_key(name);
        if taken_name || taken_id {
            return Err(KeyringError::Taken(format!("there is a consumer `{name}` already")));
        }
        self.purge(name, &seen).await?;
        let taken = format!("there is a consumer `{name}` already");
        let name = consumer.name.clone();
        match self.insert(Record::Consumer(consumer)).await? {
            true => {
                tracing::info!(name, "consumer made");
                Ok(())
            }
            false => Err(KeyringError::Taken(taken)),
        }
    }

    /// Removes the keys that a consumer of that name has left behind: whoever has the name next must not get them.
    async fn purge(&self, name: &str, seen: &Seen) -> Result<(), KeyringError> {
        for key in seen.records.keys.values().filter(|key| key.consumer == name) {
            if self.remove(RowKind::Key, &key.id).await? {
                tracing::info!(id = key.id, "a key of an earlier consumer `{name}` is removed");
            }
        }
        Ok(())
    }

    /// Removes a consumer of the store with its keys.
    pub(crate) async fn remove_consumer(&self, name: &str) -> Result<(), KeyringError> {
        let seen = self.seen();
        let is_in_file = seen.source.consumers.iter().any(|known| *known.consumer.name == *name);
        if !seen.records.consumers.contains_key(name) {
            return Err(if is_in_file { in_file("consumer", name) } else { no_consumer(name) });
        }
        // Those of a consumer of the configuration with the same name are that one's now.
        let keys = seen.records.keys.values().filter(|key| key.consumer == name && !is_in_file);
        for key in keys {
            self.remove(RowKind::Key, &key.id).await?;
        }
        match self.remove(RowKind::Consumer, name).await? {
            true => {
                tracing::info!(name, "consumer removed");
                Ok(())
            }
            false => Err(no_consumer(name)),
        }
    }

    /// Makes a key for a consumer, of the store or of the configuration.
    pub(crate) async fn make_key(
        &self,
        consumer: &str,
        wish: KeyWish,
    ) -> Result<MadeKey, KeyringError> {
        let seen = self.seen();
        let mut in_file = seen.source.consumers.iter();
        let is_known = in_file.any(|known| *known.consumer.name == *consumer)
            || seen.records.consumers.contains_key(consumer);
        if !is_known {
            return Err(no_consumer(consumer));
        }
        let now = SystemClock.wall();
        if wish.expires.is_some_and(|end| end <= now) {
            return Err(KeyringError::Wrong("a key that has ended already".to_owned()));
        }
        let text = KeyText::generate()?;
        let hash = KeyHash::of(text.expose().as_bytes());
        let id = wish.id.unwrap_or_else(|| made_up_id(consumer, &hash));
        word("the id", &id)?;
        let mut credentials = seen.source.consumers.iter().flat_map(|known| &known.credentials);
        let taken = KeyringError::Taken(format!("there is a key `{id}` already"));
        if credentials.any(|credential| *credential.id == *id) {
            return Err(taken);
        }
        let consumer = consumer.to_owned();
        let key = StoredKey { id, consumer, hash, created: now, expires: wish.expires };
        match self.insert(Record::Key(key.clone())).await? {
            true => {
                tracing::info!(id = key.id, consumer = key.consumer, "key made");
                Ok(MadeKey { key, text })
            }
            false => Err(taken),
        }
    }

    /// Revokes a key: from now on nobody here takes it, and other nodes hear of it.
    pub(crate) async fn revoke(&self, id: &str) -> Result<(), KeyringError> {
        let gone = self.remove(RowKind::Key, id).await?;
        if gone {
            tracing::info!(id, "key revoked");
            return Ok(());
        }
        Err(self.no_key(id))
    }

    /// Makes another key for the consumer of one, which ends at `end` at the latest.
    pub(crate) async fn rotate(
        &self,
        id: &str,
        end: Wall,
        wish: KeyWish,
    ) -> Result<(MadeKey, StoredKey), KeyringError> {
        let Some(old) = self.seen().records.keys.get(id).cloned() else {
            return Err(self.no_key(id));
        };
        let made = self.make_key(&old.consumer, wish).await?;
        let expires = Some(old.expires.map_or(end, |before| before.min(end)));
        let old = StoredKey { expires, ..old };
        match self.replace(Record::Key(old.clone())).await {
            Ok(true) => Ok((made, old)),
            failed => {
                // Nobody will ever see the new key: it must not stay.
                let _ = self.remove(RowKind::Key, &made.key.id).await;
                failed.and_then(|_| Err(self.no_key(id)))
            }
        }
    }

    async fn insert(&self, record: Record) -> Result<bool, KeyringError> {
        let store = self.store()?;
        let _asking = self.asking.lock().await;
        let done = store.insert(record.row()).await;
        self.taken_over(done, |known| known.put(record))
    }

    async fn replace(&self, record: Record) -> Result<bool, KeyringError> {
        let store = self.store()?;
        let _asking = self.asking.lock().await;
        let done = store.replace(record.row()).await;
        self.taken_over(done, |known| known.put(record))
    }

    async fn remove(&self, kind: RowKind, id: &str) -> Result<bool, KeyringError> {
        let store = self.store()?;
        let _asking = self.asking.lock().await;
        let done = store.remove(kind, id).await;
        self.taken_over(done, |known| known.remove(kind, id))
    }

    /// Makes everybody see what a store has done.
    fn taken_over(
        &self,
        done: Result<bool, StoreError>,
        change: impl FnOnce(&mut portunus_store::Records),
    ) -> Result<bool, KeyringError> {
        let mut known = self.known();
        self.heed(&mut known, done.as_ref().err());
        let done = done?;
        if done {
            change(Arc::make_mut(&mut known.records));
            self.publish(&mut known);
        }
        Ok(done)
    }

    fn store(&self) -> Result<Arc<dyn CredentialStore>, KeyringError> {
        self.known().store.clone().ok_or(KeyringError::NoStore)
    }

    /// Why a key is not there to be changed.
    fn no_key(&self, id: &str) -> KeyringError {
        let source = self.seen().source;
        let mut credentials = source.consumers.iter().flat_map(|known| &known.credentials);
        match credentials.any(|credential| *credential.id == *id) {
            true => in_file("key", id),
            false => KeyringError::Missing(format!("there is no key `{id}`")),
        }
    }
}

fn no_consumer(name: &str) -> KeyringError {
    KeyringError::Missing(format!("there is no consumer `{name}`"))
}

fn in_file(what: &str, name: &str) -> KeyringError {
    let text = format!("the {what} `{name}` is written in the configuration; change it there");
    KeyringError::Taken(text)
}

/// The consumer, and enough of the hash to tell its keys apart.
fn made_up_id(consumer: &str, hash: &KeyHash) -> String {
    let hash = hash.to_string();
    let digits = hash.split_once(':').map_or(hash.as_str(), |(_, digits)| digits);
    format!("{consumer}-{}", digits.get(..ID_DIGITS).unwrap_or(digits))
}

/// Whether a text can stand in a header, in a list and in a path.
fn word(what: &str, text: &str) -> Result<(), KeyringError> {
    let fine = |c: char| !c.is_control() && c != ',' && c != '/';
    let length = 1..=WORD_CHARS_MAX;
    let fits =
        length.contains(&text.chars().count()) && text.trim() == text && text.chars().all(fine);
    match fits {
        true => Ok(()),
        false => Err(KeyringError::Wrong(format!(
            "{what} has 1 to {WORD_CHARS_MAX} characters, without commas, slashes, line ends and spaces around it"
        ))),
    }
}

const ID_DIGITS: usize = 8;
const WORD_CHARS_MAX: usize = 128;
