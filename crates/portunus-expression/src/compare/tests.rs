use super::*;

#[test]
fn numbers_compare_without_rounding() {
    let compare = |a: Value<'_>, b: Value<'_>| {
        let there = order(&a, &b);
        assert_eq!(there, order(&b, &a).map(Ordering::reverse));
        there
    };
    let (int, uint, double) = (Value::Int, Value::Uint, Value::Double);
    let two_to_53 = 9_007_199_254_740_992;
    let cases = [
        (int(two_to_53 + 1), double(two_to_53 as f64), Some(Ordering::Greater)),
        (int(i64::MAX), double(i64::MAX as f64), Some(Ordering::Less)),
        (int(i64::MIN), double(i64::MIN as f64), Some(Ordering::Equal)),
        (uint(u64::MAX), double(u64::MAX as f64), Some(Ordering::Less)),
        (int(-1), uint(u64::MAX), Some(Ordering::Less)),
        (int(-1), double(-1.5), Some(Ordering::Greater)),
        (int(0), double(f64::INFINITY), Some(Ordering::Less)),
        (uint(0), double(f64::NEG_INFINITY), Some(Ordering::Greater)),
        (int(0), double(f64::NAN), None),
        (int(0), double(-0.0), Some(Ordering::Equal)),
    ];
    for (a, b, wanted) in cases {
        assert_eq!(compare(a.clone(), b.clone()), wanted, "{a:?} {b:?}");
        assert_eq!(equal(&a, &b), wanted == Some(Ordering::Equal));
    }
}

#[test]
fn values_of_different_types_are_not_equal_and_have_no_order() {
    let text = || Value::Text("1".into());
    assert!(!equal(&text(), &Value::Int(1)) && !equal(&Value::Null, &Value::Bool(false)));
    assert!(!has_order(&text(), &Value::Int(1)) && !has_order(&Value::Null, &Value::Null));
    assert!(has_order(&Value::Int(1), &Value::Double(f64::NAN)));
}
