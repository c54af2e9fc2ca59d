use std::fs;

use serde_json::{Value, json};

use super::{ITEMS_MAX, Item, Store};

fn item(value: Value) -> Item {
    value.as_object().unwrap().clone()
}

fn store(seeds: &[Value]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("users"), seeds).unwrap();
    (folder, store)
}

#[test]
fn an_item_is_created_read_replaced_and_removed() {
    let (_folder, store) = store(&[json!({"name": "a"})]);
    let (id, text) = store.create(item(json!({"name": "b", "id": 99}))).unwrap().unwrap();
    assert_eq!((id, text.as_str()), (2, r#"{"id":2,"name":"b"}"#));
    let replaced = store.replace(2, item(json!({"name": "c"}))).unwrap();
    assert_eq!(replaced.as_deref(), Some(r#"{"id":2,"name":"c"}"#));
    assert_eq!(store.read(2).unwrap(), replaced);
    assert_eq!(store.list().unwrap(), [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"c"}"#]);
    assert!(store.remove(2).unwrap());
    assert!(!store.remove(2).unwrap());
    assert_eq!(store.read(2).unwrap(), None);
    assert_eq!(store.replace(2, Item::new()).unwrap(), None);
}

#[test]
fn replicas_share_a_folder_and_only_the_first_one_fills_it() {
    let (folder, first) = store(&[json!({"name": "a"})]);
    let second = Store::open(&folder.path().join("users"), &[json!({"name": "again"})]).unwrap();
    assert_eq!(second.list().unwrap(), first.list().unwrap());
    let (id, _) = second.create(Item::new()).unwrap().unwrap();
    assert_eq!(first.read(id).unwrap().as_deref(), Some(r#"{"id":2}"#));
}

#[test]
fn ids_are_given_once_when_replicas_create_at_the_same_time() {
    let (folder, store) = store(&[]);
    let path = folder.path().join("users");
    let create = || {
        let store = Store::open(&path, &[]).unwrap();
        (0..20).map(|_| store.create(Item::new()).unwrap().unwrap().0).collect::<Vec<_>>()
    };
    let mut ids = std::thread::scope(|scope| {
        let threads = [scope.spawn(create), scope.spawn(create)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    ids.sort_unstable();
    assert_eq!(ids, (1..=40).collect::<Vec<_>>());
    assert_eq!(store.list().unwrap().len(), 40);
}

#[test]
fn a_full_store_takes_no_more() {
    let (folder, store) = store(&[]);
    for id in 1..=ITEMS_MAX {
        fs::write(folder.path().join(format!("users/{id}.json")), "{}").unwrap();
    }
    assert_eq!(store.create(Item::new()).unwrap(), None);
}
