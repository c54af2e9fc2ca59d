//! Documents as a source of routes.

use serde_json::Value;

use crate::document::Document;
use crate::fault::{Fault, Faults};
use crate::finder::pattern_with;
use crate::operation::{self, Operation};
use crate::pointer;
use crate::schema::SchemaTable;

/// A route that a document asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRoute {
    /// The path as a pattern of routes, with the prefix.
    pub path: String,
    /// What the query must hold, as conditions of routes.
    pub query: Vec<(String, String)>,
    /// The method, in upper case.
    pub method: String,
    /// The `operationId`; without it the method.
    pub name: String,
    /// Its key under `operations`: the `operationId`, else method and path.
    pub key: String,
    /// Whether bodies of its requests are looked into when they are validated.
    pub has_body: bool,
    /// What stands under `x-portunus`.
    pub extension: Option<Value>,
}

/// The routes of all operations of a document, in its order.
///
/// # Errors
/// All that is wrong with the document, as far as routes need it.
pub fn routes(document: &Document, prefix: &str) -> Result<Vec<DocumentRoute>, Vec<Fault>> {
    document.version()?;
    let mut faults = Faults::default();
    document.check_references(&mut faults);
    let mut table = SchemaTable::default();
    let operations = operation::read_all(document, false, &mut table, &mut faults);
    if faults.has_errors() {
        return Err(document.place(&mut faults));
    }
    Ok(operations.iter().map(|operation| route(document, operation, prefix)).collect())
}

fn route(document: &Document, operation: &Operation, prefix: &str) -> DocumentRoute {
    let (method, key) = (operation.method.to_string(), operation.name.to_string());
    let is_named = document.root.pointer(&pointer::join(&operation.at, "operationId")).is_some();
    DocumentRoute {
        path: pattern_with(prefix, &operation.path, part_name),
        query: operation.query.iter().map(condition).collect(),
        name: if is_named { key.clone() } else { method.clone() },
        method,
        key,
        has_body: operation.has_checked_body(),
        extension: document.root.pointer(&pointer::join(&operation.at, "x-portunus")).cloned(),
    }
}

fn condition((name, value): &(Box<str>, Box<str>)) -> (String, String) {
    let value = if value.is_empty() { "*" } else { value };
    (name.to_string(), value.to_owned())
}

/// A name that a pattern may give a part of a path: the document's own, as far as patterns take it.
fn part_name(order: usize, name: &str) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain: String = name.chars().map(|c| if is_fine(c) { c } else { '_' }).collect();
    match plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => plain,
        false => format!("p{order}_{plain}"),
    }
}

#[cfg(test)]
mod tests;
