//! What every store must do, and what the tests of each one share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::{CredentialStore, Row, RowKind};

/// Runs a test on a runtime such as control's.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test);
}

pub(crate) fn key(id: &str, text: &str) -> Row {
    Row { kind: RowKind::Key, id: id.to_owned(), text: text.to_owned() }
}

/// What a store holds, in order.
pub(crate) async fn rows(store: &dyn CredentialStore) -> Vec<(&'static str, String, String)> {
    let mut rows: Vec<_> = (store.list().await.unwrap().into_iter())
        .map(|row| (row.kind.word(), row.id, row.text))
        .collect();
    rows.sort();
    rows
}

/// What is true of every store.
pub(crate) async fn keeps_rows(store: &dyn CredentialStore) {
    assert_eq!(rows(store).await, []);
    assert!(!store.replace(key("a", "0")).await.unwrap());
    assert!(!store.remove(RowKind::Key, "a").await.unwrap());
    assert!(store.insert(key("a", "1")).await.unwrap());
    assert!(!store.insert(key("a", "2")).await.unwrap());
    let consumer = Row { kind: RowKind::Consumer, id: "a".into(), text: "ü'\"\\/\n".into() };
    assert!(store.insert(consumer).await.unwrap());
    assert!(store.insert(key("b/c d", "3")).await.unwrap());
    let all = |a: &str| {
        [
            ("consumer", "a".to_owned(), "ü'\"\\/\n".to_owned()),
            ("key", "a".to_owned(), a.to_owned()),
            ("key", "b/c d".to_owned(), "3".to_owned()),
        ]
    };
    assert_eq!(rows(store).await, all("1"));
    assert!(store.replace(key("a", "4")).await.unwrap());
    assert_eq!(rows(store).await, all("4"));
    assert!(store.remove(RowKind::Key, "a").await.unwrap());
    assert!(!store.remove(RowKind::Key, "a").await.unwrap());
    assert_eq!(rows(store).await.len(), 2);
}

/// A watch of a store, and what it tells.
pub(crate) fn watch(store: &Arc<impl CredentialStore + 'static>) -> (JoinHandle<()>, Arc<Notify>) {
    let changed = Arc::new(Notify::new());
    let watching = Arc::clone(store).watch(Arc::clone(&changed));
    #[expect(clippy::disallowed_methods, reason = "this is no worker")]
    (tokio::spawn(watching), changed)
}

/// Waits until a change is told of.
pub(crate) async fn told(changed: &Notify) {
    let waited = tokio::time::timeout(Duration::from_secs(10), changed.notified()).await;
    waited.expect("a change is told of");
}
