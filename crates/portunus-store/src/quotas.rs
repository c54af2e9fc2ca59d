//! What was used of quotas, in a file of the state folder: so that a day or a month does not begin anew with a restart.

use std::path::PathBuf;
use std::sync::Arc;

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};

use crate::StoreError;
use crate::open::{Access, DatabaseFile};

/// What was used of quotas, in a file that one process uses at a time.
#[derive(Debug)]
pub struct EmbeddedQuotas {
    file: Arc<DatabaseFile>,
}

/// A quota: its key, the start of its window in microseconds since the epoch, and what was used of it.
type QuotaRow = (Box<[u8]>, u64, u64);

impl EmbeddedQuotas {
    /// The quotas in this file. Nothing is opened or made yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { file: DatabaseFile::new(path) }
    }

    /// All quotas that were saved.
    ///
    /// # Errors
    /// The file cannot be read, or another process uses it.
    pub async fn load(&self) -> Result<Vec<QuotaRow>, StoreError> {
        self.file.blocking(load).await
    }

    /// Puts these in the place of those with the same keys; one of which nothing was used is forgotten.
    ///
    /// # Errors
    /// The file cannot be written, or another process uses it. Nothing was changed then.
    pub async fn save(&self, rows: Vec<QuotaRow>) -> Result<(), StoreError> {
        self.file.blocking(move |file| save(file, &rows)).await
    }

    /// Closes the file for another process; until it is taken back, nothing can be done with it here.
    ///
    /// # Errors
    /// The database fails.
    pub async fn hand_over(&self) -> Result<(), StoreError> {
        self.file.hand_over().await
    }

    /// Takes the file back from a process that did not want it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_back(&self) -> Result<(), StoreError> {
        self.file.take_back().await
    }
}

fn load(file: &mut Access<'_>) -> Result<Vec<QuotaRow>, StoreError> {
    let Some(database) = file.existing()? else { return Ok(Vec::new()) };
    let transaction = database.begin_read().map_err(StoreError::of)?;
    let table = match transaction.open_table(QUOTAS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        opened => opened.map_err(StoreError::of)?,
    };
    let mut rows = Vec::new();
    for entry in table.iter().map_err(StoreError::of)? {
        let (key, value) = entry.map_err(StoreError::of)?;
        let (start_us, used) = value.value();
        rows.push((key.value().into(), start_us, used));
    }
    Ok(rows)
}

fn save(file: &mut Access<'_>, rows: &[QuotaRow]) -> Result<(), StoreError> {
    let transaction = file.made()?.begin_write().map_err(StoreError::of)?;
    {
        let mut table = transaction.open_table(QUOTAS).map_err(StoreError::of)?;
        for (key, start_us, used) in rows {
            let key = &**key;
            match used {
                0 => table.remove(key).map_err(StoreError::of)?.is_some(),
                used => table.insert(key, (*start_us, *used)).map_err(StoreError::of)?.is_some(),
            };
        }
    }
    transaction.commit().map_err(StoreError::of)
}

const QUOTAS: TableDefinition<'_, &[u8], (u64, u64)> = TableDefinition::new("quotas");

#[cfg(test)]
mod tests;
