//! What a schema says about the types of a value, as far as a text needs it to become one.

use serde_json::Value;

use crate::document::Document;
use crate::pointer;

/// A set of JSON types. Empty: nothing is known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOLEAN: Self = Self(2);
    pub(crate) const NUMBER: Self = Self(4);
    pub(crate) const STRING: Self = Self(8);
    pub(crate) const ARRAY: Self = Self(16);
    pub(crate) const OBJECT: Self = Self(32);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a text may stay one.
    pub(crate) fn has_text(self) -> bool {
        self.is_unknown() || self.has(Self::STRING)
    }

    fn is_unknown(self) -> bool {
        self.0 == 0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both allow; what is unknown allows all.
    fn and(self, other: Self) -> Self {
        match (self.is_unknown(), other.is_unknown()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self(self.0 & other.0),
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" | "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => Self::default(),
        }
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }
}

/// The three ways in which styles write values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Scalar,
    Array,
    Object,
}

/// The types of a value and of what is one level inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    types: Types,
    items: Types,
    properties: Vec<(Box<str>, Leaf)>,
    /// Keys that are not listed; `None` where they are not allowed.
    others: Option<Leaf>,
}

/// The types of a key of an object, and of its items if it is a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leaf {
    pub(crate) types: Types,
    pub(crate) items: Types,
}

impl Shape {
    /// The shape of the schema at a pointer.
    pub(crate) fn of(document: &Document, at: &str) -> Self {
        let mut shape = Self { others: Some(Leaf::default()), ..Self::default() };
        shape.types = shape.take_in(document, at, DEPTH_MAX);
        shape
    }

    /// The classes that the value may be of, the likeliest first.
    pub(crate) fn classes(&self) -> impl Iterator<Item = Class> {
        let scalars = Types::NULL.or(Types::BOOLEAN).or(Types::NUMBER).or(Types::STRING);
        let is_scalar = self.types.is_unknown() || self.types.has(scalars);
        let classes = [
            (Class::Scalar, is_scalar && self.types != Types::NULL),
            (Class::Array, self.types.has(Types::ARRAY)),
            (Class::Object, self.types.has(Types::OBJECT)),
        ];
        // A list or a map that may be null is not written as a text.
        let composed = self.types.has(Types::ARRAY.or(Types::OBJECT));
        let only_null = self.types.and(scalars) == Types::NULL && composed;
        classes
            .into_iter()
            .filter(move |(class, is)| *is && !(only_null && *class == Class::Scalar))
            .map(|(class, _)| class)
    }

    pub(crate) fn types(&self) -> Types {
        self.types
    }

    pub(crate) fn items(&self) -> Types {
        self.items
    }

    pub(crate) fn is_object(&self) -> bool {
        self.types.has(Types::OBJECT)
    }

    /// What is known of a key of the object that the schema lists.
    pub(crate) fn property(&self, key: &str) -> Option<Leaf> {
        let found = self.properties.iter().find(|(name, _)| **name == *key);
        found.map(|(_, leaf)| *leaf)
    }

    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, Leaf)> {
        self.properties.iter().map(|(name, leaf)| (&**name, *leaf))
    }

    /// What is known of any key.
    pub(crate) fn key(&self, key: &str) -> Leaf {
        self.property(key).or(self.others).unwrap_or_default()
    }

    /// Whether the object may have keys that the schema does not list.
    pub(crate) fn takes_others(&self) -> bool {
        self.others.is_some()
    }

    /// The shape of a value of these types.
    pub(crate) fn of_leaf(leaf: Leaf) -> Self {
        Self { types: leaf.types, items: leaf.items, ..Self::default() }
    }

    /// Adds what the schema at a pointer says of items and keys, and tells its types.
    fn take_in(&mut self, document: &Document, at: &str, depth: usize) -> Types {
        let Some((at, schema)) = document.follow(at).filter(|_| depth > 0) else {
            return Types::default();
        };
        let mut types = declared(schema);
        self.inside(document, &at, schema, depth);
        for key in ["anyOf", "oneOf"] {
            let choices = schema.get(key).and_then(Value::as_array);
            let mut union = Types::default();
            for index in 0..choices.map_or(0, Vec::len) {
                let choice = self.take_in(document, &format!("{at}/{key}/{index}"), depth - 1);
                union = union.or(choice);
            }
            types = types.and(union);
        }
        let all = schema.get("allOf").and_then(Value::as_array);
        for index in 0..all.map_or(0, Vec::len) {
            types = types.and(self.take_in(document, &format!("{at}/allOf/{index}"), depth - 1));
        }
        types
    }

    fn inside(&mut self, document: &Document, at: &str, schema: &Value, depth: usize) {
        if schema.get("items").is_some() {
            let mut inner = Self::default();
            let items = inner.take_in(document, &format!("{at}/items"), depth - 1);
            self.items = self.items.or(items);
        }
        let leaf = |at: &str| {
            let mut inner = Self::default();
            let types = inner.take_in(document, at, depth - 1);
            Leaf { types, items: inner.items }
        };
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => self.others = None,
            Some(Value::Object(_)) => {
                self.others = Some(leaf(&format!("{at}/additionalProperties")));
            }
            _ => {}
        }
        // One level is all that a style can write.
        if depth < DEPTH_MAX - INNER_DEPTH_MAX {
            return;
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for name in properties.into_iter().flat_map(|map| map.keys()).take(PROPERTIES_MAX) {
            let leaf = leaf(&pointer::join(&format!("{at}/properties"), name));
            self.properties.push((Box::from(name.as_str()), leaf));
        }
    }
}

/// The types that a schema names itself, or that its values are of.
fn declared(schema: &Value) -> Types {
    let word = |value: &Value| value.as_str().map(Types::of_word).unwrap_or_default();
    let union = |items: &[Value], of: &dyn Fn(&Value) -> Types| {
        items.iter().fold(Types::default(), |types, item| types.or(of(item)))
    };
    let mut types = match schema.get("type") {
        Some(Value::Array(words)) => union(words, &word),
        Some(one) => word(one),
        None => Types::default(),
    };
    if schema.get("nullable") == Some(&Value::Bool(true)) && !types.is_unknown() {
        types = types.or(Types::NULL);
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        types = types.and(union(options, &Types::of_value));
    }
    if let Some(value) = schema.get("const") {
        types = types.and(Types::of_value(value));
    }
    match types.is_unknown() {
        true if schema.get("properties").is_some() => Types::OBJECT,
        true if schema.get("items").is_some() => Types::ARRAY,
        _ => types,
    }
}

/// How deep schemas are looked through.
const DEPTH_MAX: usize = 12;
/// Down to where keys are gathered: through choices and references, not through keys.
const INNER_DEPTH_MAX: usize = 4;
/// Most keys of one object that are told apart.
const PROPERTIES_MAX: usize = 1000;

#[cfg(test)]
mod tests;
