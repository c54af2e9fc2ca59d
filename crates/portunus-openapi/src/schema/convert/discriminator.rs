//! Discriminators: a key of the value says which of several schemas holds.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::pointer;

/// Replaces the choice of a schema with a discriminator by conditions on its key. So only the schema that the key
/// names is held against the value, and its flaws are told. `source` is the document as it was written.
///
/// A discriminator without a choice beside it, as in a schema that others extend, stays a remark: the schema that
/// others extend cannot demand one of them without running in a circle.
pub(super) fn replace(map: &mut Map<String, Value>, source: &Value) {
    let Some(cases) = cases(map, source) else { return };
    let Some(Value::Object(discriminator)) = map.remove("discriminator") else { return };
    let Some(key) = discriminator.get("propertyName").and_then(Value::as_str) else { return };
    map.remove("oneOf");
    map.remove("anyOf");
    let names: Vec<&str> = cases.iter().map(|(name, _)| name.as_str()).collect();
    let mut all = match map.remove("allOf") {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    };
    all.push(json!({"type": "object", "required": [key], "properties": {key: {"enum": names}}}));
    for (name, reference) in &cases {
        let holds = json!({"required": [key], "properties": {key: {"const": name}}});
        all.push(json!({"if": holds, "then": {"$ref": reference}}));
    }
    map.insert("allOf".to_owned(), Value::Array(all));
}

/// The values of the key with the schemas that they name. `None` where that cannot be told.
fn cases(map: &Map<String, Value>, source: &Value) -> Option<Vec<(String, String)>> {
    let discriminator = map.get("discriminator")?.as_object()?;
    let key = discriminator.get("propertyName")?.as_str()?;
    let choices = map.get("oneOf").or_else(|| map.get("anyOf"))?.as_array()?;
    let references: Vec<&str> =
        choices.iter().map(|choice| choice.get("$ref")?.as_str()).collect::<Option<_>>()?;
    let mapping = discriminator.get("mapping").and_then(Value::as_object);
    let mut cases: Vec<(String, String)> = Vec::new();
    for (name, target) in mapping.into_iter().flatten() {
        let target = target.as_str()?;
        let target = match target.contains(['#', '/']) {
            true => target.to_owned(),
            false => format!("#{}", pointer::join("/components/schemas", target)),
        };
        if references.contains(&target.as_str()) {
            cases.push((name.clone(), target));
        }
    }
    for reference in references {
        let at = pointer::of_reference(reference)?;
        // The name of a schema stands for it by the letter. Many documents mean what the schema itself has there.
        let implied = pinned(source, &at, key, DEPTH_MAX)
            .or_else(|| pointer::steps(&at).last().map(|name| vec![name]))?;
        for name in implied {
            match cases.iter().find(|(known, _)| *known == name) {
                None => cases.push((name, reference.to_owned())),
                // Two schemas of one value: only holding both against it tells which.
                Some((_, other)) if other != reference && mapping.is_none() => return None,
                Some(_) => {}
            }
        }
    }
    Some(cases)
}

/// The values that a schema itself allows for a key; `None` where it allows any.
fn pinned(source: &Value, at: &str, key: &str, depth: usize) -> Option<Vec<String>> {
    let (at, schema) = pointer::follow(source, Cow::Borrowed(at))?;
    let own = pointer::join(&format!("{at}/properties"), key);
    if let Some((_, property)) = pointer::follow(source, Cow::Owned(own)) {
        let texts = |values: &[Value]| {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        };
        let pinned = match (property.get("const"), property.get("enum")) {
            (Some(value), _) => texts(std::slice::from_ref(value)),
            (None, Some(values)) => texts(values.as_array()?),
            (None, None) => None,
        };
        if pinned.is_some() {
            return pinned;
        }
    }
    let parts = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
    let inner = depth.checked_sub(1)?;
    (0..parts).find_map(|index| pinned(source, &format!("{at}/allOf/{index}"), key, inner))
}

/// How deep a schema is looked through for the values of its key.
const DEPTH_MAX: usize = 6;
