//! The seam: rows that are kept somewhere.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::StoreError;

/// One thing that a store keeps. What its text means is for [`crate::Records`] to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Its name, unique among its kind.
    pub id: String,
    /// What is known of it, as JSON.
    pub text: String,
}

/// What a row is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// A consumer.
    Consumer,
    /// A key.
    Key,
}

impl RowKind {
    /// The word that stores know it by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Key => "key",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Consumer, Self::Key].into_iter().find(|kind| kind.word() == word)
    }
}

/// What a store answers with, in time.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps rows. A write is kept once it is answered: on disk by ourselves, else as the server is set up to keep it.
pub trait CredentialStore: Send + Sync {
    /// Its name, as under `stores.keys`.
    fn name(&self) -> &'static str;

    /// All rows.
    fn list(&self) -> StoreFuture<'_, Vec<Row>>;

    /// Adds a row; false, and nothing is done, when there is one of its kind and id.
    fn insert(&self, row: Row) -> StoreFuture<'_, bool>;

    /// Replaces a row; false, and nothing is done, when there is none of its kind and id.
    fn replace(&self, row: Row) -> StoreFuture<'_, bool>;

    /// Removes a row; false when there was none.
    fn remove(&self, kind: RowKind, id: &str) -> StoreFuture<'_, bool>;

    /// Tells of changes that others make. Endless; a store that nobody else writes to tells nothing.
    fn watch(self: Arc<Self>, changed: Arc<Notify>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// How often to look for changes beside those that [`CredentialStore::watch`] tells of.
    fn look_every(&self) -> Option<Duration>;

    /// Gives up what only one process can hold, for one that takes over; nothing is written or read here until it is
    /// taken back.
    fn hand_over(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Takes back what was given up.
    fn take_back(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
