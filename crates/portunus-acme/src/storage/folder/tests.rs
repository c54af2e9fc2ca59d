use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::{FolderStorage, lease, release};
use crate::storage::Storage as _;

const TIME: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_value_is_read_as_it_was_written_and_only_its_owner_may() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("acme");
    let storage = FolderStorage::new(&root);
    assert_eq!(storage.read("accounts/a").await.unwrap(), None);
    storage.write("accounts/a", b"one".to_vec()).await.unwrap();
    storage.write("accounts/a", b"two".to_vec()).await.unwrap();
    assert_eq!(storage.read("accounts/a").await.unwrap().unwrap(), b"two");
    let mode = |path: &str| root.join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("accounts/a"), mode("accounts"), mode("")), (0o600, 0o700, 0o700));
    assert_eq!(std::fs::read_dir(root.join("accounts")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_key_does_not_lead_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let storage = FolderStorage::new(folder.path().join("acme"));
    for key in ["../a", "/etc/passwd", "a//b", ".", ""] {
        assert!(storage.read(key).await.is_err(), "{key}");
        assert!(storage.write(key, Vec::new()).await.is_err(), "{key}");
    }
}

#[test]
fn of_two_owners_one_has_the_lease_until_it_gives_it_back_or_it_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificates/a.lock");
    assert!(lease(&path, "one", TIME, 1000).unwrap());
    assert!(lease(&path, "one", TIME, 1001).unwrap(), "its owner may take it again");
    assert!(!lease(&path, "two", TIME, 1060).unwrap());
    release(&path, "two").unwrap();
    assert!(!lease(&path, "two", TIME, 1060).unwrap(), "only its owner gives it back");
    assert!(lease(&path, "two", TIME, 1061).unwrap(), "it ran out");
    release(&path, "two").unwrap();
    assert!(lease(&path, "one", TIME, 1062).unwrap());
}

#[test]
fn of_many_owners_at_once_one_gets_the_lease() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lock");
    let start = std::sync::Barrier::new(8);
    let one = &|owner: usize| {
        start.wait();
        lease(&path, &owner.to_string(), TIME, 1000).unwrap()
    };
    let got = std::thread::scope(|scope| {
        let threads: [_; 8] = std::array::from_fn(|owner| scope.spawn(move || one(owner)));
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|got| *got).count()
    });
    assert_eq!(got, 1);
}

#[test]
fn a_lease_that_cannot_be_read_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lock");
    std::fs::write(&path, "half").unwrap();
    assert!(lease(&path, "one", TIME, 1000).unwrap());
}
