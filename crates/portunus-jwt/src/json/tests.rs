use super::*;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_object_is_read_as_by_everybody(entries in prop::collection::hash_map(".{0,4}", value(), 0..5)) {
        let map: Map<String, Value> = entries.into_iter().collect();
        let text = serde_json::to_vec(&map).unwrap();
        prop_assert_eq!(parse_object(&text), Ok(map));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused(key in "[a-z\"\\\\é]{0,4}", a in value(), b in value(), depth in 0..5usize) {
        let key = Value::from(key);
        let mut text = format!("{{{key}:{a},\"other\":1,{key}:{b}}}");
        for _ in 0..depth {
            text = format!("{{\"x\":[{text}]}}");
        }
        prop_assert_eq!(parse_object(text.as_bytes()), Err(JsonFault::DuplicateKey));
    }
}
