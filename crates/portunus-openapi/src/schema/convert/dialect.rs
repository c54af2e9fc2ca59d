//! What single keywords of OpenAPI mean in JSON Schema.

use serde_json::{Map, Value, json};

/// In OpenAPI 3.0 nothing beside a reference counts.
pub(super) fn hide_siblings(map: &mut Map<String, Value>) {
    if map.len() > 1 && map.get("$ref").is_some_and(Value::is_string) {
        map.retain(|key, _| key == "$ref");
    }
}

/// `exclusiveMinimum: true` beside `minimum: 1` is `exclusiveMinimum: 1`. Documents of 3.1 have that too, where it
/// means nothing else.
pub(super) fn exclusive_bounds(map: &mut Map<String, Value>) {
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        let Some(Value::Bool(is_exclusive)) = map.get(exclusive) else { continue };
        let is_exclusive = *is_exclusive;
        map.remove(exclusive);
        if is_exclusive && let Some(limit) = map.remove(bound) {
            map.insert(exclusive.to_owned(), limit);
        }
    }
}

/// `nullable: true` allows null. By the letter it does so only beside `type`, but it is meant beside `allOf` too.
pub(super) fn nullable(map: &mut Map<String, Value>) {
    if map.remove("nullable") != Some(Value::Bool(true)) {
        return;
    }
    if ["allOf", "anyOf", "oneOf"].iter().any(|key| map.contains_key(*key)) {
        let rest = Value::Object(std::mem::take(map));
        map.insert("anyOf".to_owned(), json!([{"type": "null"}, rest]));
        return;
    }
    if let Some(Value::String(kind)) = map.get("type") {
        let both = json!([kind, "null"]);
        map.insert("type".to_owned(), both);
    }
    if let Some(Value::Array(options)) = map.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
}

/// The formats `int32` and `int64` are bounds.
pub(super) fn bound_integers(map: &mut Map<String, Value>) {
    let (low, high) = match map.get("format").and_then(Value::as_str) {
        Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
        Some("int64") => (json!(i64::MIN), json!(i64::MAX)),
        _ => return,
    };
    for (keys, limit) in
        [(["minimum", "exclusiveMinimum"], low), (["maximum", "exclusiveMaximum"], high)]
    {
        if !keys.iter().any(|key| map.contains_key(*key)) {
            map.insert(keys[0].to_owned(), limit);
        }
    }
}
