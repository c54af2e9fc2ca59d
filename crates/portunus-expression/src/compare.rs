//! Equality and order of values. Numbers compare by value, whatever their types.

use std::cmp::Ordering;

use crate::value::{List, Map, Value};

/// Whether two values are the same. Values of different types are not.
pub(crate) fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Span(a), Value::Span(b)) => a == b,
        (Value::List(a), Value::List(b)) => lists(a, b),
        (Value::Map(a), Value::Map(b)) => maps(a, b),
        (a, b) => numbers(a, b) == Some(Ordering::Equal),
    }
}

fn lists(left: &List<'_>, right: &List<'_>) -> bool {
    left.len() == right.len() && left.iter().zip(right.iter()).all(|(a, b)| equal(&a, &b))
}

fn maps(left: &Map<'_>, right: &Map<'_>) -> bool {
    let keys = left.keys();
    let same = |key: &Value<'_>| match (left.value(key), right.value(key)) {
        (Some(a), Some(b)) => equal(&a, &b),
        _ => false,
    };
    keys.len() == right.len() && keys.iter().all(same)
}

/// Which of two values comes first; None when they have no order.
pub(crate) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Span(a), Value::Span(b)) => Some(a.cmp(b)),
        (a, b) => numbers(a, b),
    }
}

/// True for values that have an order when it is not a number that is missing (NaN).
pub(crate) fn has_order(left: &Value<'_>, right: &Value<'_>) -> bool {
    let (left, right) = (left.kind(), right.kind());
    left.is_number() && right.is_number()
        || left == right && !matches!(left, crate::kind::Kind::Null) && is_ordered(&left)
}

fn is_ordered(kind: &crate::kind::Kind) -> bool {
    !matches!(kind, crate::kind::Kind::List(_) | crate::kind::Kind::Map(_))
}

fn numbers(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), b) => Some(whole_to_double(whole(b)?, *a)?.reverse()),
        (a, Value::Double(b)) => whole_to_double(whole(a)?, *b),
        (a, b) => Some(whole(a)?.cmp(&whole(b)?)),
    }
}

fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some((*number).into()),
        Value::Uint(number) => Some((*number).into()),
        _ => None,
    }
}

/// Compares without rounding. Every whole number here is far within what an `i128` and a cast to it can hold.
fn whole_to_double(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    let floor = whole.cmp(&(double.trunc() as i128));
    Some(floor.then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

#[cfg(test)]
mod tests;
