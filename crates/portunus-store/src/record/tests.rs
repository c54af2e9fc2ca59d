use std::collections::BTreeMap;

use portunus_base::Wall;
use portunus_identity::KeyHash;
use proptest::prelude::*;

use super::{Record, Records, StoredConsumer, StoredKey};
use crate::{Row, RowKind};

fn consumers() -> impl Strategy<Value = Record> {
    let texts = || prop::collection::vec(".*", 0..3);
    let attributes = prop::collection::btree_map(".*", ".*", 0..3);
    (".*", ".*", texts(), attributes, prop::option::of(".*")).prop_map(
        |(name, id, groups, attributes, plan)| {
            Record::Consumer(StoredConsumer { name, id, groups, attributes, plan })
        },
    )
}

fn keys() -> impl Strategy<Value = Record> {
    (".*", ".*", any::<[u8; 32]>(), any::<u64>(), any::<Option<u64>>()).prop_map(
        |(id, consumer, hash, created, expires)| {
            let (created, expires) = (Wall(created), expires.map(Wall));
            Record::Key(StoredKey { id, consumer, hash: KeyHash(hash), created, expires })
        },
    )
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in prop_oneof![consumers(), keys()]) {
        prop_assert_eq!(Record::read(&record.row()), Some(record));
    }

    #[test]
    fn any_text_is_read_without_a_panic(id in ".*", text in ".*") {
        for kind in [RowKind::Consumer, RowKind::Key] {
            let row = Row { kind, id: id.clone(), text: text.clone() };
            prop_assert_eq!(Record::read(&row), None);
        }
    }
}

#[test]
fn a_key_whose_end_cannot_be_read_is_no_key() {
    let hash = KeyHash::of(b"k");
    let text = |end: &str| format!(r#"{{"consumer":"a","hash":"{hash}","created_us":1{end}}}"#);
    let rows: Vec<Row> = ["", r#","expires_us":"soon""#, r#","expires_us":null"#]
        .iter()
        .enumerate()
        .map(|(id, end)| Row { kind: RowKind::Key, id: id.to_string(), text: text(end) })
        .collect();
    let records = Records::read(&rows);
    assert_eq!(records.keys.keys().collect::<Vec<_>>(), ["0", "2"]);
    assert_eq!(records.consumers, BTreeMap::new());
}

#[test]
fn what_is_not_known_yet_is_passed_over() {
    let text = r#"{"id":"i","groups":[],"attributes":{},"plan":null,"later":1}"#.to_owned();
    let row = Row { kind: RowKind::Consumer, id: "a".into(), text };
    assert_eq!(Records::read(&[row]).consumers["a"].id, "i");
}
