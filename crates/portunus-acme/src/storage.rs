//! Where accounts and certificates are kept, so that a restart, or another node, finds them.

mod folder;

use std::io;
use std::pin::Pin;
use std::time::Duration;

pub use folder::FolderStorage;

/// A place for small values that several nodes may share.
///
/// Keys are relative paths of plain words, such as `certificates/shop.example.com-1f`.
pub trait Storage: Send + Sync + 'static {
    /// The value of a key; `None` when there is none.
    fn read(&self, key: &str) -> Stored<'_, Option<Vec<u8>>>;

    /// Sets a value. Another reader sees the old or the new one, never a part; a crash leaves one
    /// of the two.
    fn write(&self, key: &str, value: Vec<u8>) -> Stored<'_, ()>;

    /// Takes a lease of a key for a time, unless another owner has one that has not run out.
    fn lease(&self, key: &str, owner: &str, time: Duration) -> Stored<'_, bool>;

    /// Gives a lease back; nothing happens when it is not the owner's.
    fn release(&self, key: &str, owner: &str) -> Stored<'_, ()>;
}

/// What an operation on storage gives, later.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;
