use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bounds, read};

const WIDE: Bounds = Bounds { depth: 64, values: 100_000, duplicates: false };

#[test]
fn duplicates_depth_and_number_of_values_are_bounded() {
    let twice = br#"{"a": 1, "b": {"\u0061": 1, "a": 2}}"#;
    assert_eq!(read(twice, &WIDE).unwrap_err(), "a key is there twice at line 1 column 35");
    let lenient = Bounds { duplicates: true, ..WIDE };
    assert_eq!(read(twice, &lenient).unwrap()["b"], json!({"a": 2}));
    let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(read(deep(64).as_bytes(), &WIDE).is_ok());
    assert!(read(deep(65).as_bytes(), &WIDE).unwrap_err().starts_with("nested too deep"));
    assert!(read(&vec![b'['; 1 << 20], &WIDE).is_err());
    let few = Bounds { values: 3, ..WIDE };
    assert!(read(b"[1,2]", &few).is_ok());
    assert!(read(b"[1,2,3]", &few).unwrap_err().starts_with("too many values"));
}

#[test]
fn what_is_no_json_is_refused_without_showing_it() {
    for text in
        [&b"{\"a\": secret}"[..], b"", b"[1,]", b"{} {}", b"\"\xff\"", b"NaN", b"1e999", b"'a'"]
    {
        let error = read(text, &WIDE).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn it_reads_what_serde_json_reads(value in values()) {
        let text = value.to_string();
        prop_assert_eq!(read(text.as_bytes(), &WIDE).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&text, &WIDE);
    }
}
