//! A database file of the state folder: opened once by one process, and made when something is first written. A process
//! that hands over to another closes it, so that the other can open it.

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
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(Database),
    /// Another process has it, or soon will.
    HandedOver,
}

/// A database file that nobody else works with.
#[derive(Debug)]
pub(crate) struct Access<'f> {
    file: &'f DatabaseFile,
    state: &'f mut State,
}

impl Access<'_> {
    /// The database, to read from; `None` while there is no file.
    pub(crate) fn existing(&mut self) -> Result<Option<&Database>, StoreError> {
        let file = self.file;
        match self.open(false) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some).map_err(|error| file.error(error)),
        }
    }

    /// The database, to write to.
    pub(crate) fn made(&mut self) -> Result<&Database, StoreError> {
        let file = self.file;
        self.open(true).map_err(|error| file.error(error))
    }

    fn open(&mut self, make: bool) -> Result<&Database, Error> {
        if matches!(self.state, State::Closed) {
            *self.state = State::Open(self.file.open(make)?);
        }
        match self.state {
            State::Open(database) => Ok(database),
            State::Closed | State::HandedOver => Err(Error::other(HANDED_OVER)),
        }
    }
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, state: State::Closed.into() })
    }

    /// Closes it for another process, when what is being done with it is done. Until it is taken back, nothing can be
    /// done with it here.
    pub(crate) async fn hand_over(self: &Arc<Self>) -> Result<(), StoreError> {
        let close = |access: &mut Access<'_>| {
            *access.state = State::HandedOver;
            Ok(())
        };
        self.blocking(close).await
    }

    /// Takes it back from a process that did not want it.
    pub(crate) async fn take_back(self: &Arc<Self>) -> Result<(), StoreError> {
        let close = |access: &mut Access<'_>| {
            *access.state = State::Closed;
            Ok(())
        };
        self.blocking(close).await
    }

    fn open(&self, make: bool) -> Result<Database, Error> {
        if let (true, Some(folder)) = (make, self.path.parent()) {
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(make).mode(FILE_MODE).open(&self.path)?;
        let opened = FileBackend::new(file)
            .and_then(|file| Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(file));
        opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::other(IN_USE),
            error => Error::other(error.to_string()),
        })
    }

    fn error(&self, error: Error) -> StoreError {
        StoreError::new(format!("{}: {error}", self.path.display()))
    }

    /// Does something that may wait for the disk, on a thread for such things: one thing after the other.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Access<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(self);
        let work = move || {
            let mut state = file.state.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut Access { file: &file, state: &mut state })
        };
        let done = tokio::task::spawn_blocking(work).await;
        // A panic is one of the database's, over a file that something else has changed.
        done.map_err(|error| self.error(Error::other(error.to_string())))?
    }
}

const IN_USE: &str = "another Portunus uses it; give each its own STATE_DIRECTORY, or share keys through \
                      stores.redis or stores.postgres";
const HANDED_OVER: &str = "it is handed over to another process";
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const CACHE_BYTES: usize = 4 << 20;
