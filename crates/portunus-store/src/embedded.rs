//! Rows in a file of the state folder (redb): for one node.

use std::future::{Future, pending};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};
use tokio::sync::Notify;

use crate::open::{Access, DatabaseFile};
use crate::{CredentialStore, Row, RowKind, StoreError, StoreFuture};

/// Rows in a file, which one process uses at a time. It is made with the first row, and only its owner may read it.
#[derive(Debug)]
pub struct Embedded {
    file: Arc<DatabaseFile>,
}

impl Embedded {
    /// The store in this file. Nothing is opened or made yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { file: DatabaseFile::new(path) }
    }

    /// Writes a row unless `wanted` speaks against it, which is told whether there is one already.
    fn write(&self, row: Row, wanted: fn(bool) -> bool) -> StoreFuture<'_, bool> {
        let write = move |file: &mut Access<'_>| {
            let database = file.made()?;
            let transaction = database.begin_write().map_err(StoreError::of)?;
            {
                let mut table = transaction.open_table(ROWS).map_err(StoreError::of)?;
                let place = (row.kind.word(), row.id.as_str());
                let is_there = table.get(place).map_err(StoreError::of)?.is_some();
                if !wanted(is_there) {
                    return Ok(false);
                }
                table.insert(place, row.text.as_str()).map_err(StoreError::of)?;
            }
            transaction.commit().map_err(StoreError::of)?;
            Ok(true)
        };
        Box::pin(async move { self.file.blocking(write).await })
    }
}

impl CredentialStore for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn list(&self) -> StoreFuture<'_, Vec<Row>> {
        Box::pin(self.file.blocking(list))
    }

    fn insert(&self, row: Row) -> StoreFuture<'_, bool> {
        self.write(row, |is_there| !is_there)
    }

    fn replace(&self, row: Row) -> StoreFuture<'_, bool> {
        self.write(row, |is_there| is_there)
    }

    fn remove(&self, kind: RowKind, id: &str) -> StoreFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.file.blocking(move |file| remove(file, kind, &id)))
    }

    fn watch(self: Arc<Self>, _changed: Arc<Notify>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Nobody else writes to it.
        Box::pin(pending())
    }

    fn look_every(&self) -> Option<Duration> {
        None
    }

    fn hand_over(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.file.hand_over())
    }

    fn take_back(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.file.take_back())
    }
}

fn list(file: &mut Access<'_>) -> Result<Vec<Row>, StoreError> {
    let Some(database) = file.existing()? else { return Ok(Vec::new()) };
    let transaction = database.begin_read().map_err(StoreError::of)?;
    let table = match transaction.open_table(ROWS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        opened => opened.map_err(StoreError::of)?,
    };
    let mut rows = Vec::new();
    for entry in table.iter().map_err(StoreError::of)? {
        let (place, text) = entry.map_err(StoreError::of)?;
        let (kind, id) = place.value();
        let Some(kind) = RowKind::from_word(kind) else { continue };
        rows.push(Row { kind, id: id.to_owned(), text: text.value().to_owned() });
    }
    Ok(rows)
}

fn remove(file: &mut Access<'_>, kind: RowKind, id: &str) -> Result<bool, StoreError> {
    let Some(database) = file.existing()? else { return Ok(false) };
    let transaction = database.begin_write().map_err(StoreError::of)?;
    let was_there = {
        let mut table = transaction.open_table(ROWS).map_err(StoreError::of)?;
        table.remove((kind.word(), id)).map_err(StoreError::of)?.is_some()
    };
    transaction.commit().map_err(StoreError::of)?;
    Ok(was_there)
}

/// Kind and id to JSON.
const ROWS: TableDefinition<'_, (&str, &str), &str> = TableDefinition::new("rows");

#[cfg(test)]
mod tests;
