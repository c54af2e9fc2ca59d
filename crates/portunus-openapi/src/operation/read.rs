//! Reading the operations of a document.

use serde_json::Value;

use super::{Answer, Body, Content, FormShape, Media, MediaKind, Operation, StatusRange};
use crate::document::Document;
use crate::fault::Faults;
use crate::finder;
use crate::media_type::MediaRange;
use crate::parameter::{Parameter, Place, Shape};
use crate::pointer;
use crate::schema::SchemaTable;

/// What a query in a path demands.
fn query_pairs(query: &str) -> Box<[(Box<str>, Box<str>)]> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let parted = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    parted.map(|(name, value)| (name.into(), value.into())).collect()
}

/// Reads all operations of a document. With `answers`, what they answer too.
pub(crate) fn read_all(
    document: &Document,
    answers: bool,
    table: &mut SchemaTable,
    faults: &mut Faults,
) -> Vec<Operation> {
    let mut reading = Reading { document, answers, table, faults };
    let paths = document.root.get("paths").and_then(Value::as_object);
    let mut operations = Vec::new();
    for path in paths.into_iter().flat_map(|paths| paths.keys()) {
        if path.starts_with('/') {
            reading.path(path, &mut operations);
        } else if !path.starts_with("x-") {
            let at = pointer::join("/paths", path);
            let error = reading.faults.error(&at, format!("`{path}` is no path"));
            error.help(format!("write `/{path}`"));
        }
    }
    operations
}

struct Reading<'r> {
    document: &'r Document,
    answers: bool,
    table: &'r mut SchemaTable,
    faults: &'r mut Faults,
}

impl<'r> Reading<'r> {
    fn path(&mut self, path: &str, operations: &mut Vec<Operation>) {
        let at = pointer::join("/paths", path);
        let Some((at, item)) = self.document.follow(&at) else { return };
        let Some(item) = item.as_object() else {
            self.faults.error(&at, "expected a map of methods");
            return;
        };
        let shared = self.parameters(&format!("{at}/parameters"));
        for (method, operation) in item {
            if METHODS.contains(&method.as_str()) && operation.is_object() {
                let at = pointer::join(&at, method);
                operations.push(self.operation((path, method), &at, operation, &shared));
            }
        }
    }

    fn operation(
        &mut self,
        (path, method): (&str, &str),
        at: &str,
        object: &Value,
        shared: &[Parameter],
    ) -> Operation {
        let method = method.to_ascii_uppercase();
        let id = object.get("operationId").and_then(Value::as_str);
        let name = id.map_or_else(|| format!("{method} {path}"), str::to_owned);
        let mut parameters = self.parameters(&format!("{at}/parameters"));
        let is_same = |a: &Parameter, b: &Parameter| a.place == b.place && a.name == b.name;
        for other in shared {
            if !parameters.iter().any(|own| is_same(own, other)) {
                parameters.push(other.clone());
            }
        }
        self.check_path(path, at, &parameters);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Operation {
            name: name.into(),
            method: method.into(),
            path: Box::from(path),
            query: query_pairs(query),
            at: Box::from(at),
            parts: finder::part_names(path).collect(),
            parameters: parameters.into(),
            body: self.body(&format!("{at}/requestBody")),
            answers: if self.answers {
                self.answers(&format!("{at}/responses"))
            } else {
                Box::default()
            },
        }
    }

    /// A parameter of the path that the path does not name would never be found.
    fn check_path(&mut self, path: &str, at: &str, parameters: &[Parameter]) {
        let in_path = parameters.iter().filter(|parameter| parameter.place == Place::Path);
        for parameter in in_path {
            if !path.contains(&format!("{{{}}}", parameter.name)) {
                let message = format!("the path has no part `{{{}}}`", parameter.name);
                let error = self.faults.error(&pointer::join(at, "parameters"), message);
                error.help("name it in the path, or remove the parameter");
            }
        }
    }

    fn parameters(&mut self, at: &str) -> Vec<Parameter> {
        let list = self.document.root.pointer(at).and_then(Value::as_array);
        let read = |index| {
            let at = format!("{at}/{index}");
            Parameter::read(self.document, &at, self.table, self.faults)
        };
        (0..list.map_or(0, Vec::len)).filter_map(read).collect()
    }

    fn body(&mut self, at: &str) -> Option<Body> {
        let (at, object) = self.document.follow(at)?;
        let required = object.get("required") == Some(&Value::Bool(true));
        Some(Body { required, content: self.content(&format!("{at}/content")) })
    }

    fn content(&mut self, at: &str) -> Content {
        let content = self.document.root.pointer(at).and_then(Value::as_object);
        let read = |(written, object): (&String, &Value)| {
            self.media(written, object, pointer::join(at, written))
        };
        Content(content.into_iter().flatten().filter_map(read).collect())
    }

    fn media(&mut self, written: &str, object: &Value, at: String) -> Option<Media> {
        let Some(range) = MediaRange::parse(written) else {
            let message = format!("`{written}` is no media type, and no body is of it");
            self.faults.warning(&at, message).help("write a type such as application/json");
            return None;
        };
        let schema = object.get("schema").map(|_| format!("{at}/schema"));
        let kind = match &schema {
            _ if range.is_json() => MediaKind::Json,
            Some(schema) if range.is_form() => MediaKind::Form(Box::new(self.form(schema, object))),
            _ => MediaKind::Opaque,
        };
        let schema = schema.filter(|_| !matches!(kind, MediaKind::Opaque));
        let schema = schema.map(|schema| self.table.id(&schema));
        Some(Media { range, written: Box::from(written), kind, schema, at: at.into() })
    }

    fn form(&mut self, schema: &str, object: &Value) -> FormShape {
        let shape = Shape::of(self.document, schema);
        let encoding = |name: &str| object.get("encoding")?.get(name);
        let key = |(name, leaf)| Parameter::of_form(name, Shape::of_leaf(leaf), encoding(name));
        FormShape { keys: shape.properties().map(key).collect(), shape }
    }

    fn answers(&mut self, at: &str) -> Box<[Answer]> {
        let responses = self.document.root.pointer(at).and_then(Value::as_object);
        let mut answers = Vec::new();
        for written in responses.into_iter().flat_map(|responses| responses.keys()) {
            let at = pointer::join(at, written);
            match StatusRange::parse(written) {
                Some(status) => answers.extend(self.answer(status, &at)),
                None if written.starts_with("x-") => {}
                None => {
                    let error = self.faults.error(&at, format!("`{written}` is no status"));
                    error.help("write a status, a range such as 4XX, or default");
                }
            }
        }
        answers.into()
    }

    fn answer(&mut self, status: StatusRange, at: &str) -> Option<Answer> {
        let (at, object) = self.document.follow(at)?;
        let headers = object.get("headers").and_then(Value::as_object);
        let header = |name: &String| {
            let at = pointer::join(&format!("{at}/headers"), name);
            Parameter::read_header(self.document, &at, name, self.table, self.faults)
        };
        let headers = headers.into_iter().flat_map(|map| map.keys()).filter_map(header).collect();
        let content = self.content(&format!("{at}/content"));
        Some(Answer { status, at: at.into(), headers, content })
    }
}

/// The keys of a path that are methods.
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];
