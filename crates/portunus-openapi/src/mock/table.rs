//! The answers of all operations of a document, made when it is loaded.

use bytes::Bytes;
use portunus_filter::BuildCx;
use portunus_spec::Spanned;
use serde_json::Value;

use crate::api::{Compiled, server_path};
use crate::document::Document;
use crate::example;
use crate::fault::Faults;
use crate::load::{self, Shared};
use crate::media_type::MediaRange;
use crate::operation::{self, Answer, Media, Operation, StatusRange};
use crate::pointer;
use crate::schema::SchemaTable;

/// The answers of a document.
#[derive(Debug)]
pub(super) struct MockTable {
    pub(super) server_path: String,
    pub(super) operations: Box<[Operation]>,
    /// By operation.
    pub(super) answers: Box<[Box<[MockAnswer]>]>,
}

/// One answer of an operation.
#[derive(Debug)]
pub(super) struct MockAnswer {
    pub(super) range: StatusRange,
    /// The status where none is asked for.
    pub(super) status: u16,
    pub(super) headers: Vec<(Bytes, Bytes)>,
    pub(super) media: Vec<MockMedia>,
}

/// One form of an answer's body.
#[derive(Debug)]
pub(super) struct MockMedia {
    pub(super) range: MediaRange,
    pub(super) content_type: Bytes,
    /// Names and bodies; the name of one without a name is empty.
    bodies: Vec<(Box<str>, Bytes)>,
}

impl MockMedia {
    /// The body of an example.
    pub(super) fn example(&self, name: &str) -> Option<&Bytes> {
        let named = self.bodies.iter().find(|(known, _)| !known.is_empty() && **known == *name);
        named.map(|(_, body)| body)
    }

    pub(super) fn first(&self) -> Option<&Bytes> {
        self.bodies.first().map(|(_, body)| body)
    }
}

/// The answers of the document in a file. `None` after mistakes, which are reported.
pub(super) fn load(file: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Shared<MockTable>> {
    load::shared(file, "mock", make, cx)
}

fn make(document: &Document) -> Compiled<MockTable> {
    document.version()?;
    let mut faults = Faults::default();
    document.check_references(&mut faults);
    let mut table = SchemaTable::default();
    let operations = operation::read_all(document, true, &mut table, &mut faults);
    if faults.has_errors() {
        return Err(document.place(&mut faults));
    }
    let answers = operations.iter().map(|operation| {
        operation.answers.iter().map(|answer| mock_answer(document, answer)).collect()
    });
    let (answers, server_path) = (answers.collect(), server_path(document));
    let table = MockTable { server_path, operations: operations.into(), answers };
    Ok((table, document.place(&mut faults)))
}

fn mock_answer(document: &Document, answer: &Answer) -> MockAnswer {
    let status = match answer.status {
        StatusRange::One(status) => status,
        StatusRange::Hundred(hundred) => hundred * 100,
        StatusRange::Default => 200,
    };
    let header = |parameter: &crate::parameter::Parameter| {
        let at = pointer::join(&format!("{}/headers", answer.at), &parameter.name);
        let (at, object) = document.follow(&at)?;
        let given = object.get("example").cloned();
        let made =
            || object.get("schema").map(|_| example::of_schema(document, &format!("{at}/schema")));
        let value = header_text(&given.or_else(made)?)?;
        if OURS.iter().any(|name| name.eq_ignore_ascii_case(&parameter.name)) {
            return None;
        }
        Some((Bytes::copy_from_slice(parameter.name.as_bytes()), Bytes::from(value)))
    };
    MockAnswer {
        range: answer.status,
        status,
        headers: answer.headers.iter().filter_map(header).collect(),
        media: answer.content.0.iter().filter_map(|media| mock_media(document, media)).collect(),
    }
}

/// Headers that say how an answer is framed: whoever sends it writes them.
const OURS: &[&str] =
    &["Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade"];

/// A value as the style of headers writes it.
fn header_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(header_text).collect::<Option<Vec<_>>>()?.join(","),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Object(_) => return None,
    };
    portunus_http::is_field_value(text.as_bytes()).then_some(text)
}

/// The form with its bodies. `None` for a range of types that nobody can make up.
fn mock_media(document: &Document, media: &Media) -> Option<MockMedia> {
    let object = document.root.pointer(&media.at)?;
    let (range, content_type) = match media.range.is_concrete() {
        true => (media.range.clone(), media.written.to_string()),
        false => {
            let concrete = media.range.concrete()?;
            (MediaRange::parse(concrete)?, concrete.to_owned())
        }
    };
    let bytes = |value: &Value| match value {
        Value::String(text) if !range.is_json() => Bytes::copy_from_slice(text.as_bytes()),
        other => Bytes::from(other.to_string()),
    };
    let mut bodies = named_examples(document, &media.at, object, &bytes);
    if let Some(example) = object.get("example") {
        bodies.insert(0, (Box::default(), bytes(example)));
    }
    if bodies.is_empty() && object.get("schema").is_some() {
        let made = example::of_schema(document, &format!("{}/schema", media.at));
        // Nobody can make up an image, and XML only whoever knows its names.
        let can = range.is_json() || made.is_string();
        bodies.extend(can.then(|| (Box::default(), bytes(&made))));
    }
    let content_type = Bytes::from(content_type);
    Some(MockMedia { range, content_type, bodies })
}

fn named_examples(
    document: &Document,
    at: &str,
    object: &Value,
    bytes: &dyn Fn(&Value) -> Bytes,
) -> Vec<(Box<str>, Bytes)> {
    let examples = object.get("examples").and_then(Value::as_object);
    let example = |name: &String| {
        let at = pointer::join(&format!("{at}/examples"), name);
        let (_, example) = document.follow(&at)?;
        Some((Box::from(name.as_str()), bytes(example.get("value")?)))
    };
    examples.into_iter().flat_map(|map| map.keys()).filter_map(example).collect()
}
