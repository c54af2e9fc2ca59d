use super::*;

fn text(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| match value {
        Value::Text(text) => text.into_owned(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn queries_are_decoded() {
    let query = Map::Query(b"a%20b=c+d%2B&x&x=2&%zz=%zz&=e&&caf%C3%A9=%ff");
    for (name, value) in [
        ("a b", Some("c d+")),
        ("x", Some("")),
        ("%zz", Some("%zz")),
        ("", Some("e")),
        ("caf\u{e9}", Some("\u{fffd}")),
        ("a%20b", None),
    ] {
        assert_eq!(text(query.named(name)).as_deref(), value, "{name}");
    }
    let keys: Vec<_> = query.keys().into_iter().map(|key| text(Some(key)).unwrap()).collect();
    assert_eq!(keys, ["", "%zz", "a b", "caf\u{e9}", "x"]);
    assert_eq!(Map::Query(b"").len(), 0);
}

#[test]
fn each_key_is_there_once_and_has_a_value() {
    let mut headers = HeaderList::default();
    for (name, value) in
        [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b = 2 ;c"), ("Cookie", "a=3")]
    {
        headers.append(name.as_bytes(), value.as_bytes());
    }
    for (map, keys) in [(Map::Headers(&headers), 2), (Map::Cookies(&headers), 2)] {
        assert_eq!((map.keys().len(), map.len()), (keys, keys));
        assert!(map.keys().iter().all(|key| map.value(key).is_some()));
    }
    assert_eq!(text(Map::Headers(&headers).named("x-a")).unwrap(), "1, 2");
    assert_eq!(text(Map::Cookies(&headers).named("b")).unwrap(), "2");
    assert!(Map::Headers(&headers).value(&Value::Int(1)).is_none());
}
