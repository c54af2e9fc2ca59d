//! Bodies that a template makes.
//!
//! What a template puts out is escaped for its media type, so that nothing of a peer ends a string or an element. It
//! has so much fuel, and its text so much room.

use std::io::{self, Write};
use std::sync::Arc;

use minijinja::value::{Serde, Value as PageValue};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use portunus_exchange::Exchange;
use portunus_exchange::template::Escape;
use portunus_filter::BuildCx;
use portunus_http::{HeaderList, query_pairs};
use portunus_spec::{Spanned, suggestion};
use serde_json::{Map, Value, json};

use crate::form::decoded;
use crate::spec::BodySpec;

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Page {
    templates: Environment<'static>,
    content_type: Box<str>,
    is_json: bool,
}

/// Why there is no page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PageFault {
    /// It is larger than it may be.
    TooLarge,
    /// The template failed; why, in words for the log of whoever wrote it.
    Failed(String),
}

impl Page {
    /// Compiles a template; mistakes become diagnostics at its place. `names` are what it may ask for.
    pub(crate) fn build(spec: &BodySpec, names: &[&str], cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let content_type = &spec.r#type;
        if !portunus_http::is_field_value(content_type.value.as_bytes()) {
            cx.reader.error(content_type.span, "this is no media type");
            return None;
        }
        let escape = Escape::of_content_type(content_type);
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(move |_| match escape {
            Escape::Json => AutoEscape::Json,
            Escape::Html => AutoEscape::Html,
            Escape::None | Escape::Form => AutoEscape::None,
        });
        templates.set_undefined_behavior(UndefinedBehavior::Chainable);
        templates.set_fuel(Some(FUEL));
        // A file's last line end is no part of a body.
        let text = spec.template.value.trim_end_matches('\n').to_owned();
        if let Err(error) = templates.add_template_owned(NAME, text) {
            let line = error.line().map_or(String::new(), |line| format!(", in its line {line}"));
            let why = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
            let message = format!("the template cannot be read{line}: {why}");
            cx.reader.error(spec.template.span, message);
            return None;
        }
        let page = Self {
            templates,
            content_type: content_type.value.as_str().into(),
            is_json: escape == Escape::Json,
        };
        page.check_names(&spec.template, names, cx).then_some(page)
    }

    /// What the page is.
    pub(crate) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The page, of at most `bytes_max` bytes.
    pub(crate) fn render(&self, values: Value, bytes_max: usize) -> Result<Vec<u8>, PageFault> {
        let failed = |error: &minijinja::Error| PageFault::Failed(told(error));
        let template = self.templates.get_template(NAME).map_err(|error| failed(&error))?;
        let mut out = Bounded { bytes: Vec::new(), bytes_max, is_full: false };
        let result = template.render_captured_to(PageValue::from(Serde(&values)), &mut out);
        if out.is_full {
            return Err(PageFault::TooLarge);
        }
        result.map_err(|error| failed(&error))?;
        if self.is_json {
            let parsed = serde_json::from_slice::<&serde_json::value::RawValue>(&out.bytes);
            parsed.map_err(|error| PageFault::Failed(format!("it makes no JSON: {error}")))?;
        }
        Ok(out.bytes)
    }

    /// A name that nobody fills in is a mistake.
    fn check_names(
        &self,
        text: &Spanned<String>,
        names: &[&str],
        cx: &mut BuildCx<'_, '_>,
    ) -> bool {
        let Ok(template) = self.templates.get_template(NAME) else { return false };
        let mut asked: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        asked.sort();
        let is_global = |name: &str| self.templates.globals().any(|(known, _)| known == name);
        let mut is_fine = true;
        for name in asked.iter().filter(|name| !names.contains(&name.as_str()) && !is_global(name))
        {
            let message = format!("the template asks for `{name}`, which there is not");
            let help = suggestion(name, names.iter().copied(), "names");
            cx.reader.error(text.span, message).help_if(help);
            is_fine = false;
        }
        is_fine
    }
}

/// What an error says, without the values that were at hand.
fn told(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail(), error.line()) {
        (ErrorKind::OutOfFuel, ..) => "it takes too many steps".to_owned(),
        (kind, Some(detail), Some(line)) => format!("{kind} in line {line}: {detail}"),
        (kind, Some(detail), None) => format!("{kind}: {detail}"),
        (kind, None, _) => kind.to_string(),
    }
}

/// What templates may ask for beside the body.
pub(crate) fn values(exchange: &Exchange, with_answer: bool, body: Value) -> Value {
    let request = &exchange.request;
    let mut values = json!({
        "request": {
            "method": text(request.method_text()),
            "host": text(request.host()),
            "path": text(request.path()),
            "headers": headers(&request.headers),
        },
        "query": query(exchange),
        "params": params(exchange),
        "client": {"ip": exchange.client.ip.to_string(), "scheme": exchange.client.scheme.text()},
        "identity": identity(exchange),
        "body": body,
    });
    if with_answer && let Value::Object(values) = &mut values {
        let answer = &exchange.response;
        let answer = json!({"status": answer.status, "headers": headers(&answer.headers)});
        values.insert("response".to_owned(), answer);
    }
    values
}

/// The names of [`values`].
pub(crate) fn names(with_answer: bool) -> &'static [&'static str] {
    let names = &["body", "client", "identity", "params", "query", "request", "response"];
    if with_answer { names } else { names.split_last().map_or(names, |(_, others)| others) }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first value of each header, by its name in lower case.
fn headers(list: &HeaderList) -> Map<String, Value> {
    let mut map = Map::new();
    for header in list.iter() {
        let name = text(header.name).to_ascii_lowercase();
        map.entry(name).or_insert_with(|| Value::String(text(header.value)));
    }
    map
}

fn params(exchange: &Exchange) -> Map<String, Value> {
    let param = |(name, value): (&[u8], &[u8])| (text(name), Value::String(text(value)));
    exchange.params.iter().map(param).collect()
}

/// Who asks; null where nobody asked for a credential.
fn identity(exchange: &Exchange) -> Value {
    let Some(identity) = exchange.identity.as_ref() else { return Value::Null };
    let consumer = identity.consumer.as_ref().map(|consumer: &Arc<_>| {
        let attributes: Map<_, _> = (consumer.attributes.iter())
            .map(|(name, value)| (name.to_string(), Value::from(&**value)))
            .collect();
        json!({"id": consumer.id, "name": consumer.name, "attributes": attributes})
    });
    json!({
        "method": identity.method,
        "name": identity.name(),
        "subject": identity.subject,
        "groups": identity.groups,
        "scopes": identity.scopes,
        "claims": identity.claims,
        "consumer": consumer,
    })
}

/// The first value of each field of a query. What is no text is left out.
fn query(exchange: &Exchange) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in query_pairs(exchange.request.query().unwrap_or(b"")) {
        if let (Ok(name), Ok(value)) = (decoded(name), decoded(value)) {
            map.entry(name).or_insert(Value::String(value));
        }
    }
    map
}

/// Takes what is written, up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            self.is_full = true;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const NAME: &str = "body";
/// Steps of a template: some milliseconds.
const FUEL: u64 = 100_000;

#[cfg(test)]
mod tests;
