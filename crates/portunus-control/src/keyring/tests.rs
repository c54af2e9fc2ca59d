use std::path::Path;
use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_compile::{ConsumerSource, KeyStoreSource, KnownConsumer};
use portunus_identity::{Consumer, Credential, CredentialKind, Directory, KeyHash};
use portunus_store::{KeyText, StoredConsumer};
use tokio::runtime::Handle;

use super::{KeyWish, Keyring, KeyringError, KeyringKeeper, StoreHealth};

/// A configuration with the consumer `acme` and its key `f`.
fn source() -> Arc<ConsumerSource> {
    let consumer = Arc::new(Consumer { name: "acme".into(), id: "1".into(), ..Default::default() });
    let kind = CredentialKind::Key(KeyHash::of(b"file"));
    let own = Credential { id: "f".into(), consumer: Arc::clone(&consumer), kind, not_after: None };
    let consumers = vec![KnownConsumer { consumer, credentials: vec![own] }];
    Arc::new(ConsumerSource { consumers, ..ConsumerSource::default() })
}

async fn keeper(state: &Path) -> (KeyringKeeper, Arc<Directory>) {
    let directory = Arc::new(Directory::default());
    let keyring = Keyring::new(Arc::clone(&directory), state, Handle::current());
    let mut keeper = KeyringKeeper::new(keyring);
    keeper.serve(&source(), &KeyStoreSource::Embedded).await;
    (keeper, directory)
}

/// Ends a keeper, and waits until its tasks have ended too.
async fn end(keeper: KeyringKeeper) {
    let keyring = Arc::downgrade(keeper.keyring());
    drop(keeper);
    while keyring.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

/// The consumer that a key is for now.
fn whose(directory: &Directory, key: &KeyText) -> Option<String> {
    let hash = KeyHash::of(key.expose().as_bytes());
    directory.load().key(&hash).map(|credential| credential.consumer.name.to_string())
}

fn wish(id: &str) -> KeyWish {
    KeyWish { id: Some(id.to_owned()), expires: None }
}

#[tokio::test]
async fn a_key_holds_from_its_making_to_its_revocation_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, directory) = keeper(folder.path()).await;
    assert!(!folder.path().join("keys.redb").exists(), "nothing is made before it is needed");
    let keyring = keeper.keyring();
    let made = keyring.make_key("acme", KeyWish::default()).await.unwrap();
    assert!(made.key.id.starts_with("acme-"), "{}", made.key.id);
    assert_eq!(whose(&directory, &made.text).as_deref(), Some("acme"));
    let other = keyring.make_key("acme", wish("other")).await.unwrap();
    end(keeper).await;

    let (keeper, directory) = self::keeper(folder.path()).await;
    assert_eq!(keeper.keyring().seen().health, StoreHealth::Up);
    assert_eq!(whose(&directory, &made.text).as_deref(), Some("acme"));
    keeper.keyring().revoke(&made.key.id).await.unwrap();
    assert_eq!(whose(&directory, &made.text), None);
    assert_eq!(whose(&directory, &other.text).as_deref(), Some("acme"));
    end(keeper).await;

    let (_keeper, directory) = self::keeper(folder.path()).await;
    assert_eq!(whose(&directory, &made.text), None);
    assert_eq!(whose(&directory, &other.text).as_deref(), Some("acme"));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, _) = keeper(folder.path()).await;
    let keyring = keeper.keyring();
    let consumer = |name: &str, plan: Option<&str>| StoredConsumer {
        name: name.to_owned(),
        id: name.to_owned(),
        plan: plan.map(str::to_owned),
        ..StoredConsumer::default()
    };
    let taken = |result: Result<(), KeyringError>| matches!(result, Err(KeyringError::Taken(_)));
    let missing =
        |result: Result<(), KeyringError>| matches!(result, Err(KeyringError::Missing(_)));
    let wrong = |result: Result<(), KeyringError>| matches!(result, Err(KeyringError::Wrong(_)));
    assert!(taken(keyring.add_consumer(consumer("acme", None)).await));
    assert!(wrong(keyring.add_consumer(consumer("a,b", None)).await));
    assert!(wrong(keyring.add_consumer(consumer("", None)).await));
    assert!(wrong(keyring.add_consumer(consumer("bob", Some("gold"))).await));
    keyring.add_consumer(consumer("bob", None)).await.unwrap();
    assert!(taken(keyring.add_consumer(consumer("bob", None)).await));
    let make = async |name: &str, wish| keyring.make_key(name, wish).await.map(drop);
    make("bob", wish("b")).await.unwrap();
    assert!(taken(make("bob", wish("b")).await));
    assert!(taken(make("bob", wish("f")).await), "the configuration has a key of that id");
    assert!(missing(make("eve", wish("e")).await));
    assert!(wrong(make("bob", wish("a\nb")).await));
    assert!(wrong(make("bob", KeyWish { id: None, expires: Some(Wall(1)) }).await));
    assert!(missing(keyring.revoke("nothing").await));
    assert!(taken(keyring.revoke("f").await), "the configuration's keys are changed there");
    assert!(taken(keyring.remove_consumer("acme").await));
    assert!(missing(keyring.remove_consumer("eve").await));
    keyring.remove_consumer("bob").await.unwrap();
    assert!(missing(keyring.revoke("b").await), "its keys have gone with it");
}

#[tokio::test]
async fn who_takes_over_a_name_does_not_take_over_its_keys() {
    let acme = || StoredConsumer { name: "acme".into(), id: "2".into(), ..Default::default() };
    let folder = tempfile::tempdir().unwrap();
    let (mut keeper, directory) = keeper(folder.path()).await;
    let old = keeper.keyring().make_key("acme", wish("old")).await.unwrap();
    assert_eq!(whose(&directory, &old.text).as_deref(), Some("acme"));
    // The configuration has it no more, and somebody else gets the name.
    keeper.serve(&Arc::default(), &KeyStoreSource::Embedded).await;
    assert_eq!(whose(&directory, &old.text), None);
    keeper.keyring().add_consumer(acme()).await.unwrap();
    assert_eq!(whose(&directory, &old.text), None);
    assert!(keeper.keyring().seen().records.keys.is_empty());
    // A name that is taken leaves the keys of whoever has it.
    let new = keeper.keyring().make_key("acme", wish("new")).await.unwrap();
    assert!(keeper.keyring().add_consumer(acme()).await.is_err());
    assert_eq!(whose(&directory, &new.text).as_deref(), Some("acme"));
}

#[tokio::test]
async fn a_rotation_lets_both_keys_hold_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let (keeper, directory) = keeper(folder.path()).await;
    let keyring = keeper.keyring();
    let old = keyring.make_key("acme", wish("old")).await.unwrap();
    let end = Wall(SystemClock.wall().0 + 3_600_000_000);
    let (new, ended) = keyring.rotate("old", end, wish("new")).await.unwrap();
    assert_eq!((new.key.consumer.as_str(), ended.expires), ("acme", Some(end)));
    let hash = KeyHash::of(old.text.expose().as_bytes());
    assert_eq!(directory.load().key(&hash).unwrap().not_after, Some(end));
    assert_eq!(whose(&directory, &new.text).as_deref(), Some("acme"));
    // An end that is nearer stays.
    let later = Wall(end.0 + 1);
    let (_, ended) = keyring.rotate("old", later, KeyWish::default()).await.unwrap();
    assert_eq!(ended.expires, Some(end));
    let missing = keyring.rotate("gone", end, KeyWish::default()).await;
    assert!(matches!(missing, Err(KeyringError::Missing(_))));
}

#[tokio::test]
async fn a_store_that_another_process_uses_is_told_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = keeper(folder.path()).await;
    first.keyring().make_key("acme", wish("a")).await.unwrap();
    let (second, directory) = keeper(folder.path()).await;
    let StoreHealth::Down { error, .. } = second.keyring().seen().health else { panic!() };
    assert!(error.to_string().contains("another Portunus uses it"), "{error}");
    assert!(directory.load().by_name("acme").is_some());
    let refused = second.keyring().make_key("acme", wish("b")).await;
    assert!(matches!(refused, Err(KeyringError::Store(_))));
    end(first).await;
    second.keyring().make_key("acme", wish("b")).await.unwrap();
    assert_eq!(second.keyring().seen().health, StoreHealth::Up);
}

#[tokio::test]
async fn without_a_store_only_the_configuration_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (mut keeper, directory) = keeper(folder.path()).await;
    let made = keeper.keyring().make_key("acme", wish("a")).await.unwrap();
    keeper.serve(&source(), &KeyStoreSource::Off).await;
    assert_eq!(whose(&directory, &made.text), None);
    let refused = keeper.keyring().make_key("acme", wish("b")).await;
    assert!(matches!(refused, Err(KeyringError::NoStore)));
    keeper.serve(&source(), &KeyStoreSource::Embedded).await;
    assert_eq!(whose(&directory, &made.text).as_deref(), Some("acme"));
}
