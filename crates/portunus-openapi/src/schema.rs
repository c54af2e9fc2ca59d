//! Compiled schemas.
//!
//! All schemas of a document are compiled as one, so that a schema that many others refer to exists once: the
//! document gets a `properties` keyword with a property for each schema that is asked for, and a value is checked as
//! the value of that property.

mod convert;
mod growth;
pub(crate) mod message;

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::document::{Document, Version};
use crate::fault::Faults;
use crate::pointer;

pub(crate) use convert::Direction;

/// One of the compiled schemas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SchemaId(u32);

impl SchemaId {
    /// The schema of [`Schemas`] that were made of one that stands for itself.
    pub(crate) const ONLY: Self = Self(0);
}

/// What a value has against its schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// Where in the value, as a JSON Pointer.
    pub pointer: String,
    /// What is wrong there. Names keys of the value, never what they hold.
    pub message: String,
}

/// Schemas, ready to check values. Immutable.
pub struct Schemas {
    validator: Validator,
    names: Box<[Box<str>]>,
    /// Down to which depth values are described, by schema.
    depths: Box<[Option<usize>]>,
}

impl Schemas {
    /// Compiles a JSON Schema that stands for itself.
    pub(crate) fn of_schema(
        document: &Document,
        formats: bool,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut root = document.root.clone();
        convert::patterns(&mut root, faults);
        let draft = Draft::default().detect(&root);
        let known = if draft == Draft::Unknown { Draft::Draft202012 } else { draft };
        let validator = compile(&root, known, formats, faults)?;
        let depths = growth::depths(&root, &[String::new()]).into();
        Some(Self { validator, names: Box::default(), depths })
    }

    /// Whether a value fits. It is lent, and given back as it was.
    pub(crate) fn fits(&self, id: SchemaId, value: &mut Value) -> bool {
        let wrapped = self.wrap(id, value);
        let fits = self.validator.is_valid(&wrapped);
        *value = self.unwrap(wrapped);
        fits
    }

    /// What a value has against its schema, up to `max` flaws. The value is lent, and given back as it was.
    pub(crate) fn flaws(&self, id: SchemaId, value: &mut Value, max: usize) -> Vec<Flaw> {
        let wrapped = self.wrap(id, value);
        let mut flaws = Vec::new();
        if !self.validator.is_valid(&wrapped) {
            if self.is_too_large(id, &wrapped) {
                let message = "does not fit its schema, and is too large to say where".to_owned();
                flaws.push(Flaw { pointer: String::new(), message });
            } else {
                for error in self.validator.iter_errors(&wrapped) {
                    message::describe(&error, self.wraps(), max, &mut flaws);
                }
                flaws.truncate(max.max(1));
            }
        }
        *value = self.unwrap(wrapped);
        flaws
    }

    /// Whether it would cost too much to find all that is wrong with a value.
    fn is_too_large(&self, id: SchemaId, wrapped: &Value) -> bool {
        let depth = self.depths.get(id.0 as usize).copied().flatten();
        count(wrapped, DESCRIBED_VALUES_MAX) > DESCRIBED_VALUES_MAX
            || depth.is_some_and(|depth| !growth::is_within(wrapped, depth + self.wraps()))
    }

    /// How many levels are put around a value.
    fn wraps(&self) -> usize {
        usize::from(!self.names.is_empty())
    }

    fn wrap(&self, SchemaId(index): SchemaId, value: &mut Value) -> Value {
        let value = std::mem::take(value);
        match self.names.get(index as usize) {
            Some(name) => {
                let mut map = Map::with_capacity(1);
                map.insert(String::from(&**name), value);
                Value::Object(map)
            }
            None => value,
        }
    }

    fn unwrap(&self, wrapped: Value) -> Value {
        match wrapped {
            Value::Object(map) if !self.names.is_empty() => {
                map.into_iter().next().map(|(_, value)| value).unwrap_or_default()
            }
            value => value,
        }
    }
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let deep = self.depths.iter().filter(|depth| depth.is_none()).count();
        write!(f, "Schemas({}, {deep} of any depth)", self.depths.len())
    }
}

/// Collects the schemas of a document that shall be compiled, by where they stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchemaTable {
    ids: HashMap<String, SchemaId>,
    pointers: Vec<String>,
}

impl SchemaTable {
    /// The id of the schema at a pointer.
    pub(crate) fn id(&mut self, pointer: &str) -> SchemaId {
        if let Some(id) = self.ids.get(pointer) {
            return *id;
        }
        let id = SchemaId(u32::try_from(self.pointers.len()).unwrap_or(u32::MAX));
        self.ids.insert(pointer.to_owned(), id);
        self.pointers.push(pointer.to_owned());
        id
    }

    /// Compiles all of them for messages of one direction.
    pub(crate) fn compile(
        self,
        document: &Document,
        (version, direction): (Version, Direction),
        formats: bool,
        faults: &mut Faults,
    ) -> Option<Schemas> {
        let mut root = convert::document(&document.root, (version, direction), formats, faults);
        let names: Box<[Box<str>]> =
            (0..self.pointers.len()).map(|index| format!("s{index}").into()).collect();
        let reference = |pointer: &String| {
            let reference = Value::String(pointer::to_reference(pointer));
            Value::Object(Map::from_iter([("$ref".to_owned(), reference)]))
        };
        let entries =
            names.iter().map(ToString::to_string).zip(self.pointers.iter().map(reference));
        let properties = Value::Object(entries.collect());
        if let Value::Object(map) = &mut root {
            map.insert("properties".to_owned(), properties);
        }
        let validator = compile(&root, Draft::Draft202012, formats, faults)?;
        let depths = growth::depths(&root, &self.pointers).into();
        Some(Schemas { validator, names, depths })
    }
}

fn compile(root: &Value, draft: Draft, formats: bool, faults: &mut Faults) -> Option<Validator> {
    let options = jsonschema::options()
        .with_draft(draft)
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(formats)
        .with_format("byte", is_base64)
        .offline();
    match options.build(root) {
        Ok(validator) => Some(validator),
        Err(error) => {
            let at = error.instance_path().as_str();
            let at = if at.is_empty() { error.schema_path().as_str() } else { at };
            faults.error(at, format!("not a schema: {}", error.masked()));
            None
        }
    }
}

/// How many values there are in a value, itself included, counted up to a bound.
fn count(value: &Value, max: usize) -> usize {
    let mut stack = vec![value];
    let mut count = 0;
    while let Some(value) = stack.pop() {
        count += 1;
        if count > max {
            break;
        }
        match value {
            Value::Object(map) => stack.extend(map.values()),
            Value::Array(items) => stack.extend(items),
            _ => {}
        }
    }
    count
}

/// Base64 of RFC 4648 section 4, as the format `byte` of OpenAPI 3.0 asks for.
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && text.len() - digits.len() <= 2 && digits.bytes().all(is_digit)
}

/// Most values in a value whose flaws are described: finding all of them costs memory for each.
const DESCRIBED_VALUES_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
