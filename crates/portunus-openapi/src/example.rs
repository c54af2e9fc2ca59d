//! Values that fit a schema: those that the document gives, or small ones that are made up.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::pointer;

/// A value that fits the schema at a pointer, as far as can be told without trying.
pub(crate) fn of_schema(document: &Document, at: &str) -> Value {
    let mut making = Making { document, left: VALUES_MAX };
    making.value(at, 0).unwrap_or_default()
}

struct Making<'d> {
    document: &'d Document,
    left: usize,
}

impl<'d> Making<'d> {
    /// `None` where the schema goes on too deep.
    fn value(&mut self, at: &str, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH_MAX {
            return None;
        }
        let (at, schema) = self.document.follow(at)?;
        if let Some(given) = given(schema) {
            return Some(given);
        }
        for key in ["oneOf", "anyOf"] {
            let choices = schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            let made = (0..choices)
                .find_map(|index| self.value(&format!("{at}/{key}/{index}"), depth + 1));
            if let Some(made) = made {
                return Some(self.with_own(made, &at, schema, depth));
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return self.all(&at, all.len(), schema, depth);
        }
        self.plain(&at, schema, depth)
    }

    /// All parts of an `allOf`: keys of objects together, of anything else the first.
    fn all(&mut self, at: &str, count: usize, schema: &Value, depth: usize) -> Option<Value> {
        let mut together: Option<Value> = None;
        for index in 0..count {
            let part = self.value(&format!("{at}/allOf/{index}"), depth + 1)?;
            match (&mut together, part) {
                (Some(Value::Object(map)), Value::Object(more)) => map.extend(more),
                (Some(_), _) => {}
                (none, part) => *none = Some(part),
            }
        }
        Some(self.with_own(together.unwrap_or_default(), at, schema, depth))
    }

    /// The value with the keys that stand beside its choice.
    fn with_own(&mut self, mut value: Value, at: &str, schema: &Value, depth: usize) -> Value {
        if let Value::Object(map) = &mut value
            && schema.get("properties").is_some()
            && let Some(Value::Object(own)) = self.object(at, schema, depth)
        {
            map.extend(own);
        }
        value
    }

    fn plain(&mut self, at: &str, schema: &Value, depth: usize) -> Option<Value> {
        match kind(schema) {
            "object" => self.object(at, schema, depth),
            "array" => self.array(at, schema, depth),
            "string" => Some(Value::String(text(schema))),
            "integer" => Some(integer(schema)),
            "number" => Some(number(schema)),
            "boolean" => Some(Value::Bool(true)),
            _ => Some(Value::Null),
        }
    }

    fn object(&mut self, at: &str, schema: &Value, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &String| {
            required.is_some_and(|names| names.iter().any(|other| other == name.as_str()))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if property.get("writeOnly") == Some(&Value::Bool(true)) {
                continue;
            }
            let wanted = is_required(name);
            if !wanted && depth > OPTIONAL_DEPTH_MAX {
                continue;
            }
            match self.value(&pointer::join(&format!("{at}/properties"), name), depth + 1) {
                Some(value) => _ = map.insert(name.clone(), value),
                None if wanted => return None,
                None => {}
            }
        }
        Some(Value::Object(map))
    }

    fn array(&mut self, at: &str, schema: &Value, depth: usize) -> Option<Value> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let count = least.max(1).min(most).min(ITEMS_MAX);
        if schema.get("items").is_none() {
            return Some(json!([]));
        }
        let items = (0..count).map_while(|_| self.value(&format!("{at}/items"), depth + 1));
        let items: Vec<Value> = items.collect();
        (items.len() as u64 >= least.min(ITEMS_MAX)).then_some(Value::Array(items))
    }
}

/// What the schema itself gives.
fn given(schema: &Value) -> Option<Value> {
    let first = |key: &str| schema.get(key)?.as_array()?.first();
    let given = schema.get("example").or_else(|| first("examples"));
    let given = given.or_else(|| schema.get("const")).or_else(|| schema.get("default"));
    given.or_else(|| first("enum")).cloned()
}

fn kind(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::Array(words)) => {
            let mut words = words.iter().filter_map(Value::as_str);
            words.find(|word| *word != "null")
        }
        Some(word) => word.as_str(),
        None => None,
    };
    let has = |key: &str| schema.get(key).is_some();
    match named {
        Some(word) => word,
        None if has("properties") || has("additionalProperties") => "object",
        None if has("items") => "array",
        None if has("pattern") || has("format") || has("maxLength") => "string",
        None => "null",
    }
}

fn text(schema: &Value) -> String {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let known = FORMATS.iter().find(|(name, _)| *name == format).map(|(_, text)| *text);
    if let Some(known) = known {
        return known.to_owned();
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let mut text = "string".to_owned();
    while (text.len() as u64) < bound("minLength").unwrap_or(0).min(TEXT_MAX) {
        text.push('x');
    }
    let most = bound("maxLength").unwrap_or(TEXT_MAX).min(TEXT_MAX);
    text.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    text
}

fn integer(schema: &Value) -> Value {
    let value = nearest_to_zero(schema);
    let step = schema.get("multipleOf").and_then(Value::as_f64).filter(|step| *step > 0.0);
    let value = step.map_or(value, |step| (value / step).ceil() * step);
    json!(value.ceil() as i64)
}

fn number(schema: &Value) -> Value {
    let value = nearest_to_zero(schema);
    if value == value.trunc() { json!(value as i64) } else { json!(value) }
}

/// The number within the bounds that is nearest to zero.
fn nearest_to_zero(schema: &Value) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    // In OpenAPI 3.0 the exclusive bounds are booleans beside the others.
    let is_exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let step = |exclusive: bool| if exclusive { 1.0 } else { 0.0 };
    let low = bound("exclusiveMinimum").map(|low| low + 1.0);
    let low =
        low.or_else(|| bound("minimum").map(|low| low + step(is_exclusive("exclusiveMinimum"))));
    let high = bound("exclusiveMaximum").map(|high| high - 1.0);
    let high =
        high.or_else(|| bound("maximum").map(|high| high - step(is_exclusive("exclusiveMaximum"))));
    0.0_f64.max(low.unwrap_or(f64::MIN)).min(high.unwrap_or(f64::MAX))
}

/// Texts of the formats that are often asked for.
const FORMATS: &[(&str, &str)] = &[
    ("byte", "AAAA"),
    ("date", "2000-01-01"),
    ("date-time", "2000-01-01T00:00:00Z"),
    ("duration", "P1D"),
    ("email", "user@example.com"),
    ("hostname", "www.example.com"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("time", "00:00:00Z"),
    ("uri", "https://example.com/"),
    ("uri-reference", "/"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
];

/// Most values of one example.
const VALUES_MAX: usize = 2000;
/// Deepest nesting, references and choices included.
const DEPTH_MAX: usize = 16;
/// Down to where keys are given that need not be there.
const OPTIONAL_DEPTH_MAX: usize = 4;
const ITEMS_MAX: u64 = 5;
const TEXT_MAX: u64 = 1000;

#[cfg(test)]
mod tests;
