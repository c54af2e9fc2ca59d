//! A document as it was written: its text, its values, its version.
//!
//! The validator of schemas needs plain JSON values, and a document may hold millions of them, so it is read straight
//! into those: JSON by serde_json, YAML from the parser's events. Where a value stands is only asked for when
//! something is wrong with it, and is found then by a second walk over the text.

mod place;
mod yaml;

use std::borrow::Cow;

use portunus_spec::Severity;
use serde_json::Value;

use crate::fault::{Fault, Faults};
use crate::pointer;

/// An OpenAPI document, or a JSON Schema.
#[derive(Debug)]
pub struct Document {
    name: String,
    text: String,
    /// The values.
    pub(crate) root: Value,
}

/// Which rules a document is written by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// OpenAPI 3.0: schemas in a dialect of its own.
    V30,
    /// OpenAPI 3.1 and later: schemas are JSON Schema 2020-12.
    V31,
}

impl Document {
    /// Reads a text, YAML or JSON, under the name that messages give it.
    ///
    /// # Errors
    /// Text that is too large, or neither YAML nor JSON.
    pub fn parse(name: &str, text: String) -> Result<Self, Vec<Fault>> {
        let faults = |at, message: String| {
            let (file, pointer) = (name.to_owned(), String::new());
            vec![Fault { severity: Severity::Error, file, at, pointer, message, help: None }]
        };
        if text.len() > BYTES_MAX {
            return Err(faults(None, format!("larger than {} MiB", BYTES_MAX >> 20)));
        }
        let root = match text.trim_start().starts_with('{') {
            // A flow map of YAML starts so too.
            true => match serde_json::from_str(&text) {
                Ok(root) => root,
                Err(error) => yaml::parse(&text).map_err(|_| {
                    faults(Some((error.line(), error.column())), format!("not JSON: {error}"))
                })?,
            },
            false => yaml::parse(&text).map_err(|error| faults(Some(error.at), error.message))?,
        };
        Ok(Self { name: name.to_owned(), text, root })
    }

    /// The version that the document names.
    ///
    /// # Errors
    /// A document that is not OpenAPI 3.
    pub fn version(&self) -> Result<Version, Vec<Fault>> {
        let wrong = |pointer: &str, message: String, help: &str| {
            let mut faults = Faults::default();
            faults.error(pointer, message).help(help);
            self.place(&mut faults)
        };
        if self.root.get("swagger").is_some() {
            let message = "a document of Swagger 2.0".to_owned();
            return Err(wrong("/swagger", message, "convert it to OpenAPI 3.0 or 3.1"));
        }
        let Some(version) = self.root.get("openapi").and_then(Value::as_str) else {
            let message = "not an OpenAPI document: there is no `openapi: 3...`".to_owned();
            return Err(wrong("", message, "start it with `openapi: 3.1.0`"));
        };
        match version.split('.').take(2).collect::<Vec<_>>().as_slice() {
            ["3", "0"] => Ok(Version::V30),
            ["3", minor] if minor.parse::<u8>().is_ok() => Ok(Version::V31),
            _ => {
                let message = format!("OpenAPI {version} is not known");
                Err(wrong("/openapi", message, "write a document of OpenAPI 3.0 or 3.1"))
            }
        }
    }

    /// The name that messages give it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The faults with their places.
    pub(crate) fn place(&self, faults: &mut Faults) -> Vec<Fault> {
        let place = |fault: crate::fault::Unplaced| Fault {
            severity: fault.severity,
            file: self.name.clone(),
            at: place::find(&self.text, &fault.pointer),
            pointer: fault.pointer,
            message: fault.message,
            help: fault.help,
        };
        faults.take().into_iter().map(place).collect()
    }

    /// What stands at a pointer once references are followed, and where that is.
    pub(crate) fn follow(&self, pointer: &str) -> Option<(String, &Value)> {
        pointer::follow(&self.root, Cow::Borrowed(pointer))
    }

    /// Reports each reference that leads nowhere or out of the document.
    pub(crate) fn check_references(&self, faults: &mut Faults) {
        let mut stack = vec![(String::new(), &self.root)];
        while let Some((at, value)) = stack.pop() {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(reference)) = map.get("$ref") {
                        self.check_reference(&at, reference, faults);
                    }
                    let inner = map.iter().filter(|(key, _)| !is_sample(key));
                    stack.extend(inner.map(|(key, value)| (pointer::join(&at, key), value)));
                }
                Value::Array(items) => {
                    let items = items.iter().enumerate();
                    stack.extend(items.map(|(index, item)| (format!("{at}/{index}"), item)));
                }
                _ => {}
            }
        }
    }

    fn check_reference(&self, at: &str, reference: &str, faults: &mut Faults) {
        let at = pointer::join(at, "$ref");
        match pointer::of_reference(reference) {
            Some(target) if self.root.pointer(&target).is_some() => {}
            Some(_) => {
                faults.error(&at, format!("`{reference}` leads nowhere")).help("correct the path");
            }
            // An anchor, which only the validator of schemas can look up.
            None if reference.starts_with('#') => {}
            None => {
                let error = faults.error(&at, format!("`{reference}` is another document"));
                error.help("bundle all of it into one file: nothing is fetched");
            }
        }
    }
}

/// Keys whose values are samples of data: what looks like a reference or a schema in them is none.
pub(crate) fn is_sample(key: &str) -> bool {
    matches!(key, "example" | "examples" | "default" | "enum" | "const" | "value")
        || key.starts_with("x-")
}

/// Largest text of one document.
const BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
