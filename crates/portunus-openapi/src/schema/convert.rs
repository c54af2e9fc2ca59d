//! Schemas of OpenAPI to JSON Schema 2020-12, in place, so that references keep their targets.
//!
//! OpenAPI 3.0 has a dialect of its own: `nullable`, booleans beside `minimum` and `maximum`, references that hide
//! what stands beside them. Both versions have discriminators, and keys that are required in one direction only.

mod dialect;
mod discriminator;
mod patterns;

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::document::{Version, is_sample};
use crate::fault::Faults;
use crate::pointer;
use dialect::{bound_integers, exclusive_bounds, hide_siblings, nullable};
use patterns::Patterns;

/// Which way the messages go that are checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    /// To the upstream: what only the server writes need not be there.
    Request,
    /// To the client: what only the client writes need not be there.
    Response,
}

/// All schemas of an OpenAPI document, converted.
pub(super) fn document(
    source: &Value,
    (version, direction): (Version, Direction),
    formats: bool,
    faults: &mut Faults,
) -> Value {
    let mut root = source.clone();
    let hidden = hidden_schemas(source, direction);
    let patterns = Patterns::default();
    let path = String::new();
    let mut converter =
        Converter { source, version, direction, formats, hidden, patterns, path, faults };
    converter.any(&mut root);
    root
}

/// Checks the patterns of a JSON Schema that stands for itself.
pub(super) fn patterns(root: &mut Value, faults: &mut Faults) {
    let mut converter = Converter {
        source: &Value::Null,
        version: Version::V31,
        direction: Direction::Request,
        formats: false,
        hidden: HashSet::new(),
        patterns: Patterns::default(),
        path: String::new(),
        faults,
    };
    converter.patterns_only(root);
}

struct Converter<'f> {
    /// The document as it was written.
    source: &'f Value,
    version: Version,
    direction: Direction,
    formats: bool,
    /// References to named schemas that the sender of this direction does not write.
    hidden: HashSet<String>,
    patterns: Patterns,
    path: String,
    faults: &'f mut Faults,
}

impl Converter<'_> {
    /// Walks through what is no schema, to the schemas in it.
    fn any(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                if self.version == Version::V30 {
                    hide_siblings(map);
                }
                let is_components = self.path == "/components";
                for (key, inner) in map.iter_mut().filter(|(key, _)| !is_sample(key)) {
                    self.step(key, |this| match key.as_str() {
                        "schema" => this.schema(inner),
                        "schemas" if is_components => this.each(inner),
                        _ => this.any(inner),
                    });
                }
            }
            Value::Array(items) => self.items(items, Self::any),
            _ => {}
        }
    }

    fn schema(&mut self, value: &mut Value) {
        let Value::Object(map) = value else { return };
        if self.version == Version::V30 {
            hide_siblings(map);
        }
        self.inner_schemas(map);
        self.check_patterns(map);
        self.direct(map);
        discriminator::replace(map, self.source);
        exclusive_bounds(map);
        if self.version == Version::V30 {
            nullable(map);
        }
        if self.formats {
            bound_integers(map);
        }
    }

    fn inner_schemas(&mut self, map: &mut Map<String, Value>) {
        for (key, inner) in map.iter_mut() {
            match kind_of(key) {
                Inner::Schema => self.step(key, |this| match inner {
                    Value::Array(items) => this.items(items, Self::schema),
                    one => this.schema(one),
                }),
                Inner::Named => self.step(key, |this| this.each(inner)),
                Inner::None => {}
            }
        }
    }

    /// Walks through a schema for its patterns alone.
    fn patterns_only(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                self.check_patterns(map);
                for (key, inner) in map.iter_mut().filter(|(key, _)| !is_sample(key)) {
                    self.step(key, |this| this.patterns_only(inner));
                }
            }
            Value::Array(items) => self.items(items, Self::patterns_only),
            _ => {}
        }
    }

    fn each(&mut self, value: &mut Value) {
        let Value::Object(map) = value else { return };
        for (name, inner) in map.iter_mut() {
            self.step(name, |this| this.schema(inner));
        }
    }

    fn items(&mut self, items: &mut [Value], mut visit: impl FnMut(&mut Self, &mut Value)) {
        for (index, item) in items.iter_mut().enumerate() {
            self.step(&index.to_string(), |this| visit(this, item));
        }
    }

    fn step(&mut self, key: &str, inside: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path = pointer::join(&self.path, key);
        inside(self);
        self.path.truncate(length);
    }

    /// Leaves out patterns that cannot be matched in linear time.
    fn check_patterns(&mut self, map: &mut Map<String, Value>) {
        if let Some(Value::String(pattern)) = map.get("pattern")
            && !self.patterns.is_linear(pattern)
        {
            self.warn("pattern");
            map.remove("pattern");
        }
        let Some(Value::Object(named)) = map.get_mut("patternProperties") else { return };
        let count = named.len();
        named.retain(|pattern, _| self.patterns.is_linear(pattern));
        if named.len() < count {
            self.warn("patternProperties");
            // Keys that only the lost patterns allowed would be refused.
            map.remove("additionalProperties");
            map.remove("unevaluatedProperties");
        }
    }

    fn warn(&mut self, key: &str) {
        let at = pointer::join(&self.path, key);
        let message = "this pattern looks around or back, and is not checked";
        let help = "write it without: only patterns that match in linear time are used";
        self.faults.warning(&at, message).help(help);
    }

    /// Keys that the sender of this direction does not write are not required.
    fn direct(&self, map: &mut Map<String, Value>) {
        let word = hiding_word(self.direction);
        let Some(Value::Object(properties)) = map.get("properties") else { return };
        let is_hidden = |name: &Value| {
            let Some(schema) = name.as_str().and_then(|name| properties.get(name)) else {
                return false;
            };
            let reference = schema.get("$ref").and_then(Value::as_str);
            schema.get(word) == Some(&Value::Bool(true))
                || reference.is_some_and(|reference| self.hidden.contains(reference))
        };
        let Some(Value::Array(required)) = map.get("required") else { return };
        if required.iter().any(is_hidden) {
            let kept = required.iter().filter(|name| !is_hidden(name)).cloned().collect();
            map.insert("required".to_owned(), Value::Array(kept));
        }
    }
}

/// What stands under a keyword of a schema.
enum Inner {
    None,
    /// A schema, or a list of them.
    Schema,
    /// Schemas by name.
    Named,
}

fn kind_of(keyword: &str) -> Inner {
    match keyword {
        "items"
        | "additionalProperties"
        | "not"
        | "allOf"
        | "anyOf"
        | "oneOf"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "prefixItems"
        | "additionalItems"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "contentSchema" => Inner::Schema,
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Inner::Named
        }
        _ => Inner::None,
    }
}

/// The word for what the sender of a direction does not write.
fn hiding_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Request => "readOnly",
        Direction::Response => "writeOnly",
    }
}

fn hidden_schemas(root: &Value, direction: Direction) -> HashSet<String> {
    let word = hiding_word(direction);
    let named = root.pointer("/components/schemas").and_then(Value::as_object);
    let hidden = named.into_iter().flatten();
    let hidden = hidden.filter(|(_, schema)| schema.get(word) == Some(&Value::Bool(true)));
    hidden.map(|(name, _)| format!("#/components/schemas/{name}")).collect()
}

#[cfg(test)]
mod tests;
