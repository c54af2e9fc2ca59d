//! One message's body, from what came to what goes on.

use std::borrow::Cow;

use portunus_base::ByteSize;
use portunus_exchange::Exchange;
use portunus_filter::BuildCx;
use portunus_http::HeaderList;
use portunus_spec::Spanned;
use serde_json::Value;

use crate::form;
use crate::json::{Fault, Growth, Json};
use crate::media::{self, Kind, Types, Untouched};
use crate::operation::{Operation, operations};
use crate::page::{self, Page, PageFault};
use crate::spec::{BodySpec, InvalidChoice, OperationSpec};

/// What is done to the bodies of one way, compiled.
#[derive(Debug)]
pub(crate) struct BodyChange {
    types: Types,
    form_to_json: bool,
    operations: Vec<Operation>,
    page: Option<Page>,
    json_to_form: bool,
    pub(crate) bytes_max: usize,
    pub(crate) passes_invalid: bool,
    of_answers: bool,
}

/// What a side of the spec says of bodies.
pub(crate) struct BodyChangeSpec<'s> {
    pub(crate) form_to_json: &'s Spanned<bool>,
    pub(crate) json: &'s [Spanned<OperationSpec>],
    pub(crate) body: Option<&'s BodySpec>,
    pub(crate) json_to_form: &'s Spanned<bool>,
    pub(crate) content_type: &'s [Spanned<String>],
    pub(crate) body_max: &'s Spanned<ByteSize>,
    pub(crate) on_invalid: InvalidChoice,
    pub(crate) of_answers: bool,
}

/// A body in its new form.
pub(crate) struct Changed<'c> {
    pub(crate) bytes: Vec<u8>,
    /// Its media type, where that is another one now.
    pub(crate) content_type: Option<&'c str>,
}

/// Why there is no new form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Unchanged {
    /// It is not meant: it goes on as it is.
    Untouched(Untouched),
    /// It is not what its type says.
    Invalid(String),
    /// Others may read it, in a way that is not ours: it never goes on as it is.
    Doubtful(String),
    /// It grew too large.
    TooLarge,
    /// The template failed.
    Failed(String),
}

impl BodyChange {
    /// None inside where the side changes no body; None where it makes no sense, with diagnostics.
    pub(crate) fn build(
        spec: &BodyChangeSpec<'_>,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Option<Self>> {
        let names = page::names(spec.of_answers);
        let page = spec.body.map(|body| Page::build(body, names, cx));
        let operations = operations(spec.json, cx);
        let types = types(spec, cx);
        if spec.json_to_form.value && (spec.form_to_json.value || spec.body.is_some()) {
            let other = if spec.body.is_some() { "body" } else { "form_to_json" };
            let message = format!("`json_to_form` does not go with `{other}`");
            cx.reader.error(spec.json_to_form.span, message).help("keep one of them");
            return None;
        }
        let bytes_max = match usize::try_from(spec.body_max.value.0) {
            Ok(bytes) if (1..=BYTES_MAX).contains(&bytes) => bytes,
            _ => {
                let error = cx.reader.error(spec.body_max.span, "a body is taken as a whole");
                error.help("write a size up to 64MiB");
                return None;
            }
        };
        let change = Self {
            types: types?,
            form_to_json: spec.form_to_json.value,
            operations: operations?,
            page: page.map_or(Some(None), |page| page.map(Some))?,
            json_to_form: spec.json_to_form.value,
            bytes_max,
            passes_invalid: spec.on_invalid == InvalidChoice::Pass,
            of_answers: spec.of_answers,
        };
        Some(change.does_something().then_some(change))
    }

    fn does_something(&self) -> bool {
        self.page.is_some() || self.reads_json() || self.form_to_json
    }

    fn reads_json(&self) -> bool {
        self.json_to_form || !self.operations.is_empty()
    }

    /// Whether the body of a message with these headers is meant; what it is.
    pub(crate) fn kind(&self, headers: &HeaderList) -> Result<Kind, Untouched> {
        self.types.kind(headers)
    }

    pub(crate) fn is_of_answers(&self) -> bool {
        self.of_answers
    }

    /// The new form of a body.
    pub(crate) fn run(
        &self,
        exchange: &Exchange,
        headers: &HeaderList,
        bytes: &[u8],
    ) -> Result<Changed<'_>, Unchanged> {
        let kind = self.kind(headers).map_err(Unchanged::Untouched)?;
        if bytes.is_empty() && self.page.is_none() {
            return Err(Unchanged::Untouched(Untouched::Empty));
        }
        if !media::is_utf8(headers) {
            return Err(Unchanged::Doubtful("its charset is not UTF-8".to_owned()));
        }
        if !self.reads_json() && self.page.is_some() {
            let body = self.page_value(kind, bytes)?;
            return self.render(exchange, body);
        }
        let is_form = kind == Kind::Form && self.form_to_json;
        let text = if is_form { Cow::Owned(form::to_json(bytes)?) } else { Cow::Borrowed("") };
        let mut json = if is_form { Json::parse(text.as_bytes())? } else { Json::parse(bytes)? };
        let growth = Growth::new(self.bytes_max);
        for operation in &self.operations {
            operation.apply(&mut json, exchange, &growth)?;
        }
        if self.json_to_form {
            let content_type = Some("application/x-www-form-urlencoded");
            return Ok(Changed { bytes: form::of_json(json)?, content_type });
        }
        let mut out = Vec::with_capacity(bytes.len());
        json.write(&mut out);
        match &self.page {
            Some(_) => self.render(exchange, parsed(&out)?),
            None => Ok(Changed { bytes: out, content_type: is_form.then_some("application/json") }),
        }
    }

    /// What a template alone gets as `body`: JSON and forms by their fields, else the text.
    fn page_value(&self, kind: Kind, bytes: &[u8]) -> Result<Value, Unchanged> {
        match kind {
            _ if bytes.is_empty() => Ok(Value::Null),
            Kind::Json => {
                Json::parse(bytes)?;
                parsed(bytes)
            }
            Kind::Form => parsed(form::to_json(bytes)?.as_bytes()),
            Kind::Other => Ok(Value::String(String::from_utf8_lossy(bytes).into_owned())),
        }
    }

    fn render(&self, exchange: &Exchange, body: Value) -> Result<Changed<'_>, Unchanged> {
        let Some(page) = &self.page else { return Err(Unchanged::TooLarge) };
        let values = page::values(exchange, self.of_answers, body);
        let bytes = page.render(values, self.bytes_max).map_err(|fault| match fault {
            PageFault::TooLarge => Unchanged::TooLarge,
            PageFault::Failed(why) => Unchanged::Failed(why),
        })?;
        Ok(Changed { bytes, content_type: Some(page.content_type()) })
    }
}

impl From<Fault> for Unchanged {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLarge => Self::TooLarge,
            Fault::Syntax(why) => Self::Invalid(why),
            Fault::TooDeep => Self::Doubtful("it is nested too deep".to_owned()),
            Fault::Duplicate => Self::Doubtful("an object has a key twice".to_owned()),
            Fault::NoForm => Self::Doubtful("it has no form with names and values".to_owned()),
        }
    }
}

fn parsed(json: &[u8]) -> Result<Value, Unchanged> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    serde_json::from_slice(json).map_err(|error| Unchanged::Invalid(error.to_string()))
}

fn types(spec: &BodyChangeSpec<'_>, cx: &mut BuildCx<'_, '_>) -> Option<Types> {
    let mut ranges = Vec::new();
    for range in spec.content_type {
        let text = range.value.trim().to_ascii_lowercase();
        if !media::is_range(&text) {
            let error = cx.reader.error(range.span, format!("`{text}` is no media type"));
            error.help("write a type such as `application/json` or `text/*`, without parameters");
            return None;
        }
        ranges.push(text.into());
    }
    let (json, form) = (spec.json_to_form.value || !spec.json.is_empty(), spec.form_to_json.value);
    Some(match ranges.is_empty() {
        false => Types::Written(ranges),
        true if json || form => Types::Usual { json, form },
        true => Types::All,
    })
}

/// Bodies are held in memory.
const BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests;
