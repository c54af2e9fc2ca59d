//! A database file of the state folder: opened once by one process, and made when something is first written.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
#[expect(clippy::disallowed_types, reason = "taken on blocking threads of control alone")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError};

use crate::StoreError;

/// A database file.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    #[expect(clippy::disallowed_types, reason = "taken on blocking threads of control alone")]
    database: Mutex<Option<Arc<Database>>>,
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, database: Default::default() })
    }

    /// The database, to read from; `None` while there is no file.
    pub(crate) fn existing(&self) -> Result<Option<Arc<Database>>, StoreError> {
        match self.open(false) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some).map_err(|error| self.error(error)),
        }
    }

    /// The database, to write to.
    pub(crate) fn made(&self) -> Result<Arc<Database>, StoreError> {
        self.open(true).map_err(|error| self.error(error))
    }

    fn open(&self, make: bool) -> Result<Arc<Database>, Error> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*database {
            return Ok(Arc::clone(database));
        }
        if let (true, Some(folder)) = (make, self.path.parent()) {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(make).mode(FILE_MODE).open(&self.path)?;
        let opened = FileBackend::new(file)
            .and_then(|file| Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(file));
        let opened = Arc::new(opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::other(IN_USE),
            error => Error::other(error.to_string()),
        })?);
        *database = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn error(&self, error: Error) -> StoreError {
        StoreError::new(format!("{}: {error}", self.path.display()))
    }

    /// Does something that may wait for the disk, on a thread for such things.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&file)).await;
        // A panic is one of the database's, over a file that something else has changed.
        done.map_err(|error| self.error(Error::other(error.to_string())))?
    }
}

const IN_USE: &str = "another Portunus uses it; give each its own STATE_DIRECTORY, or share keys through \
                      stores.redis or stores.postgres";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const CACHE_BYTES: usize = 4 << 20;
