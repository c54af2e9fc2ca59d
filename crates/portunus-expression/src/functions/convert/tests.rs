use super::*;

#[test]
fn bounds_of_numbers() {
    let int = |value: Value<'static>| to_int(&value).map(|value| format!("{value:?}"));
    assert_eq!(
        int(Value::Double(9_223_372_036_854_774_784.0)).unwrap(),
        "Int(9223372036854774784)"
    );
    for beyond in [TWO_TO_63, -TWO_TO_63, f64::NAN, f64::INFINITY] {
        assert_eq!(int(Value::Double(beyond)), Err(Fault::Overflow));
    }
    assert_eq!(int(Value::Uint(u64::MAX)), Err(Fault::Overflow));
    assert_eq!(int(Value::Text("1.5".into())), Err(Fault::Unreadable));
    assert_eq!(to_uint(&Value::Int(-1)).map(drop), Err(Fault::Overflow));
    assert_eq!(to_uint(&Value::Double(-1.0)).map(drop), Err(Fault::Overflow));
    assert_eq!(to_double(&Value::Null).map(drop), Err(Fault::Kind));
}

#[test]
fn what_has_no_text() {
    assert_eq!(to_text(&Value::Null).map(drop), Err(Fault::Kind));
    assert_eq!(to_text(&Value::Bytes(b"\xff"[..].into())).map(drop), Err(Fault::Unreadable));
    assert_eq!(to_time(&Value::Int(i64::MAX)).map(drop), Err(Fault::Overflow));
}
