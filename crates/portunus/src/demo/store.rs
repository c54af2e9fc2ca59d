//! The items of one service: a folder with a JSON file for each.
//!
//! A folder, so that the replicas of a service share their state also when they are processes of
//! their own. Files appear whole or not at all. It never grows beyond [`ITEMS_MAX`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;

/// The items of one service. Every replica opens its own; they meet in the folder.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

/// What an item is: a JSON object.
pub(super) type Item = Map<String, Value>;

impl Store {
    /// Opens the folder. A new one is filled with `seeds`.
    pub(super) fn open(folder: &Path, seeds: &[Value]) -> io::Result<Self> {
        let store = Self { folder: folder.to_owned() };
        match fs::create_dir(folder) {
            Ok(()) => {
                for seed in seeds.iter().filter_map(Value::as_object) {
                    store.create(seed.clone())?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Ok(store)
    }

    /// The texts of all items, by id.
    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        let texts = self.ids()?.into_iter().map(|id| self.read(id));
        // An item that was removed since is just not there.
        texts.filter_map(Result::transpose).collect()
    }

    /// The text of an item.
    pub(super) fn read(&self, id: u64) -> io::Result<Option<String>> {
        found(fs::read_to_string(self.path(id)))
    }

    /// Adds an item under a new id; `None` when there are too many.
    pub(super) fn create(&self, mut item: Item) -> io::Result<Option<(u64, String)>> {
        let ids = self.ids()?;
        if ids.len() >= ITEMS_MAX {
            return Ok(None);
        }
        let mut id = ids.last().map_or(1, |last| last + 1);
        loop {
            let text = with_id(&mut item, id);
            match self.draft(&text)?.persist_noclobber(self.path(id)) {
                Ok(_) => return Ok(Some((id, text))),
                // Another replica was faster.
                Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => id += 1,
                Err(lost) => return Err(lost.error),
            }
        }
    }

    /// Puts an item in the place of the one with that id; `None` when there is none.
    pub(super) fn replace(&self, id: u64, mut item: Item) -> io::Result<Option<String>> {
        if self.read(id)?.is_none() {
            return Ok(None);
        }
        let text = with_id(&mut item, id);
        self.draft(&text)?.persist(self.path(id))?;
        Ok(Some(text))
    }

    /// Removes an item; false when there is none.
    pub(super) fn remove(&self, id: u64) -> io::Result<bool> {
        Ok(found(fs::remove_file(self.path(id)))?.is_some())
    }

    fn path(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// All ids, in order.
    fn ids(&self) -> io::Result<Vec<u64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok());
            ids.extend(id);
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// A file with the text that has no place yet.
    fn draft(&self, text: &str) -> io::Result<NamedTempFile> {
        let file = NamedTempFile::new_in(&self.folder)?;
        fs::write(file.path(), text)?;
        Ok(file)
    }
}

/// The text of an item, with its id at the front.
fn with_id(item: &mut Item, id: u64) -> String {
    item.shift_remove("id");
    item.shift_insert(0, "id".to_owned(), id.into());
    Value::Object(item.clone()).to_string()
}

/// Turns "there is no such file" into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Most items of a service.
const ITEMS_MAX: usize = 1000;

#[cfg(test)]
mod tests;
