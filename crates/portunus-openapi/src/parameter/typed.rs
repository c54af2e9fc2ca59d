//! Parts of a text to values of the types that a schema takes.

use serde_json::{Map, Number, Value};

use super::shape::{Leaf, Shape, Types};
use super::style::Split;

/// Adds what the parts may mean: typed as far as the schema takes such types, and once more as texts where it takes
/// texts as well.
pub(super) fn values(split: &Split, shape: &Shape, meant: &mut Vec<Value>) {
    let mut is_doubtful = false;
    let mut typed = |text: &str, types: Types| {
        let value = scalar(text, types);
        is_doubtful |= !value.is_string() && types.has_text();
        value
    };
    let first = build(split, shape, &mut typed);
    meant.push(first);
    if is_doubtful {
        let mut plain = |text: &str, types: Types| match types.has_text() {
            true => Value::String(text.to_owned()),
            false => scalar(text, types),
        };
        meant.push(build(split, shape, &mut plain));
    }
}

fn build(split: &Split, shape: &Shape, of: &mut dyn FnMut(&str, Types) -> Value) -> Value {
    match split {
        Split::Scalar(text) => of(text, shape.types()),
        Split::Array(items) => items.iter().map(|item| of(item, shape.items())).collect(),
        Split::Object(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, values) in entries {
                map.insert(key.clone(), entry(values, shape.key(key), of));
            }
            Value::Object(map)
        }
    }
}

/// The value of a key: a list where the schema takes one, or where there are several values.
fn entry(values: &[String], leaf: Leaf, of: &mut dyn FnMut(&str, Types) -> Value) -> Value {
    match values {
        [one] if !leaf.types.has(Types::ARRAY) => of(one, leaf.types),
        several => several.iter().map(|value| of(value, leaf.items)).collect(),
    }
}

fn scalar(text: &str, types: Types) -> Value {
    if types.has(Types::NUMBER)
        && let Some(number) = number(text)
    {
        return Value::Number(number);
    }
    match text {
        "true" | "false" if types.has(Types::BOOLEAN) => Value::Bool(text == "true"),
        "" | "null" if types.has(Types::NULL) && !types.has_text() => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}

/// A number as JSON writes it, and nothing beside it.
fn number(text: &str) -> Option<Number> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|byte| is_digit(byte) || *byte == b'-');
    (starts && bytes.last().is_some_and(is_digit)).then(|| serde_json::from_str(text).ok())?
}
