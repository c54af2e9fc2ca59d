use std::collections::BTreeMap;
use std::sync::Arc;

use portunus_base::Wall;
use portunus_compile::{ConsumerSource, KnownConsumer};
use portunus_identity::{Consumer, Credential, CredentialKind, KeyHash, Plan};
use portunus_store::{Record, Records, StoredConsumer, StoredKey};

use super::merge;

fn key(id: &str, consumer: &str, text: &str) -> Record {
    Record::Key(StoredKey {
        id: id.to_owned(),
        consumer: consumer.to_owned(),
        hash: KeyHash::of(text.as_bytes()),
        created: Wall(1),
        expires: Some(Wall(9)),
    })
}

fn stored(name: &str, id: &str, plan: Option<&str>) -> Record {
    Record::Consumer(StoredConsumer {
        name: name.to_owned(),
        id: id.to_owned(),
        groups: vec!["made".to_owned()],
        attributes: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
        plan: plan.map(str::to_owned),
    })
}

/// A configuration with the consumer `acme`, its key `file`, and the plan `gold`.
fn source() -> ConsumerSource {
    let consumer = Arc::new(Consumer { name: "acme".into(), id: "1".into(), ..Default::default() });
    let kind = CredentialKind::Key(KeyHash::of(b"file"));
    let own = Credential { id: "f".into(), consumer: Arc::clone(&consumer), kind, not_after: None };
    let plan = Arc::new(Plan { name: "gold".into(), ..Plan::default() });
    ConsumerSource {
        consumers: vec![KnownConsumer { consumer, credentials: vec![own] }],
        plans: BTreeMap::from([("gold".into(), plan)]),
    }
}

fn records(all: impl IntoIterator<Item = Record>) -> Records {
    let mut records = Records::default();
    all.into_iter().for_each(|record| records.put(record));
    records
}

#[test]
fn keys_of_the_store_are_for_consumers_of_both() {
    let records =
        records([stored("bob", "2", Some("gold")), key("a", "acme", "a"), key("b", "bob", "b")]);
    let (table, clashes) = merge(&source(), &records);
    assert_eq!(clashes, Vec::<String>::new());
    let of = |text: &str| table.key(&KeyHash::of(text.as_bytes()));
    assert_eq!(&*of("file").unwrap().id, "f");
    assert_eq!(&*of("a").unwrap().consumer.id, "1");
    let bob = of("b").unwrap();
    assert_eq!((&*bob.consumer.name, bob.not_after), ("bob", Some(Wall(9))));
    assert_eq!(&*bob.consumer.plan.as_ref().unwrap().name, "gold");
    assert_eq!(&*bob.consumer.groups, [Box::<str>::from("made")]);
    assert_eq!(&*bob.consumer.attributes["tier"], "gold");
}

#[test]
fn the_configuration_stands_before_the_store_and_it_is_told() {
    let all = [
        stored("acme", "9", None),
        stored("bob", "2", None),
        stored("eve", "3", Some("gone")),
        key("a", "acme", "a"),
        key("f", "bob", "file"),
        key("e", "eve", "e"),
        key("n", "nobody", "n"),
    ];
    let (table, clashes) = merge(&source(), &records(all));
    assert_eq!(&*table.by_name("acme").unwrap().id, "1");
    assert_eq!(&*table.key(&KeyHash::of(b"a")).unwrap().consumer.id, "1");
    assert_eq!(&*table.key(&KeyHash::of(b"file")).unwrap().consumer.name, "acme");
    assert!(table.key(&KeyHash::of(b"n")).is_none());
    assert_eq!(table.by_name("bob").unwrap().plan, None);
    // Without its plan it would have no limits.
    assert!(table.by_name("eve").is_none() && table.key(&KeyHash::of(b"e")).is_none());
    assert_eq!(
        clashes,
        [
            "the consumer `acme` of the configuration stands for the one of the store",
            "the consumer `eve` and its keys are left out: no plan `gone` is described",
            "the key `f` of the store is in use already",
            "the key `n` is no use: there is no consumer `nobody`",
        ]
    );
}
