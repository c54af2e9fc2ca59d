//! Parameters: where they stand in a request, how their text becomes a value (OpenAPI, "Style Values").

mod shape;
mod source;
mod style;
mod typed;

use serde_json::Value;

use crate::document::Document;
use crate::fault::Faults;
use crate::json;
use crate::pointer;
use crate::schema::{SchemaId, SchemaTable};

pub(crate) use shape::{Class, Shape};
pub(crate) use source::{PAIRS_MAX, Pair, Source, cookies, pairs};
pub(crate) use style::Style;

/// A parameter of an operation, a header of an answer, or a key of a form.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Box<str>,
    pub(crate) place: Place,
    pub(crate) required: bool,
    /// Whether an empty value is fine, whatever the schema says.
    pub(crate) empty: bool,
    pub(crate) form: Form,
    pub(crate) schema: Option<SchemaId>,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// How the text of a parameter is read.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// By one of OpenAPI's styles.
    Style { style: Style, explode: bool, shape: Shape },
    /// As JSON.
    Json,
    /// As a text of another media type, which nobody looks into.
    Opaque,
}

impl Place {
    /// The word as documents write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Path, Self::Query, Self::Header, Self::Cookie]
            .into_iter()
            .find(|place| place.word() == word)
    }

    fn style(self) -> Style {
        match self {
            Self::Path | Self::Header => Style::Simple,
            Self::Query | Self::Cookie => Style::Form,
        }
    }
}

impl Parameter {
    /// Reads the parameter object at a pointer. `None` after mistakes, and for those that OpenAPI says to ignore.
    pub(crate) fn read(
        document: &Document,
        at: &str,
        table: &mut SchemaTable,
        faults: &mut Faults,
    ) -> Option<Self> {
        let (at, object) = document.follow(at)?;
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let Some(name) = text("name") else {
            faults.error(&at, "a parameter without a name").help("add `name`");
            return None;
        };
        let Some(place) = text("in").and_then(Place::of) else {
            let error = faults.error(&at, format!("the parameter `{name}` is nowhere"));
            error.help("add `in`: path, query, header or cookie");
            return None;
        };
        let is_ignored = |known: &&str| known.eq_ignore_ascii_case(name);
        if place == Place::Header && IGNORED_HEADERS.iter().any(is_ignored) {
            return None;
        }
        Self::read_as((document, &at, object), name, place, table, faults)
    }

    /// Reads the header object at a pointer, which has its name from where it stands.
    pub(crate) fn read_header(
        document: &Document,
        at: &str,
        name: &str,
        table: &mut SchemaTable,
        faults: &mut Faults,
    ) -> Option<Self> {
        let (at, object) = document.follow(at)?;
        if name.eq_ignore_ascii_case("Content-Type") {
            return None;
        }
        Self::read_as((document, &at, object), name, Place::Header, table, faults)
    }

    /// A key of a form, as the encoding object of its media type says (`None`: as all forms are).
    pub(crate) fn of_form(name: &str, shape: Shape, encoding: Option<&Value>) -> Self {
        let word = encoding.and_then(|encoding| encoding.get("style")).and_then(Value::as_str);
        let style = word.and_then(Style::of).unwrap_or(Style::Form);
        let explode =
            encoding.and_then(|encoding| encoding.get("explode")).and_then(Value::as_bool);
        let explode = explode.unwrap_or(style == Style::Form);
        let content =
            encoding.and_then(|encoding| encoding.get("contentType")).and_then(Value::as_str);
        let form = match content {
            Some(content) if content.starts_with("application/json") => Form::Json,
            _ => Form::Style { style, explode, shape },
        };
        let (name, place) = (Box::from(name), Place::Query);
        Self { name, place, required: false, empty: false, form, schema: None }
    }

    fn read_as(
        (document, at, object): (&Document, &str, &Value),
        name: &str,
        place: Place,
        table: &mut SchemaTable,
        faults: &mut Faults,
    ) -> Option<Self> {
        let flag = |key: &str| object.get(key).and_then(Value::as_bool);
        let (form, schema) = match object.get("content").and_then(Value::as_object) {
            Some(content) => {
                let (media, inner) = content.iter().next()?;
                let schema = pointer::join(&pointer::join(at, "content"), media);
                let is_json = crate::media_type::is_json(media);
                let form = if is_json { Form::Json } else { Form::Opaque };
                (form, inner.get("schema").filter(|_| is_json).map(|_| format!("{schema}/schema")))
            }
            None => {
                let style = Self::style((at, object), place, faults)?;
                let explode = flag("explode").unwrap_or(style == Style::Form);
                let schema = object.get("schema").map(|_| format!("{at}/schema"));
                let shape = schema.as_deref().map(|at| Shape::of(document, at));
                (Form::Style { style, explode, shape: shape.unwrap_or_default() }, schema)
            }
        };
        Some(Self {
            name: Box::from(name),
            place,
            required: place == Place::Path || flag("required").unwrap_or(false),
            empty: place == Place::Query && flag("allowEmptyValue").unwrap_or(false),
            form,
            schema: schema.map(|schema| table.id(&schema)),
        })
    }

    fn style((at, object): (&str, &Value), place: Place, faults: &mut Faults) -> Option<Style> {
        let Some(word) = object.get("style").and_then(Value::as_str) else {
            return Some(place.style());
        };
        let style = Style::of(word).filter(|style| style.places().contains(&place));
        if style.is_none() {
            let message = format!("`{word}` is no style of a parameter in the {}", place.word());
            let words: Vec<&str> = Style::words(place).collect();
            faults
                .error(&pointer::join(at, "style"), message)
                .help(format!("write {}", words.join(", ")));
        }
        style
    }

    /// What the text of a request may mean, the likeliest first; none where the parameter is absent.
    ///
    /// # Errors
    /// Why the text is not of the parameter's form.
    pub(crate) fn decode(&self, source: &Source<'_>) -> Result<Vec<Value>, &'static str> {
        match &self.form {
            Form::Style { style, explode, shape } => {
                let mut meant = Vec::new();
                let mut fault = None;
                for class in shape.classes() {
                    match source.split(&self.name, (*style, *explode), (class, shape)) {
                        Ok(Some(split)) => typed::values(&split, shape, &mut meant),
                        Ok(None) => {}
                        Err(why) => fault = Some(why),
                    }
                }
                match fault {
                    Some(why) if meant.is_empty() => Err(why),
                    _ => Ok(meant),
                }
            }
            Form::Json => match source.text(&self.name)? {
                Some(text) => {
                    let value = json::read(text.as_bytes(), &json::Bounds::PARAMETER);
                    value.map(|value| vec![value]).map_err(|_| "is not JSON")
                }
                None => Ok(Vec::new()),
            },
            Form::Opaque => Ok(source.text(&self.name)?.map(Value::String).into_iter().collect()),
        }
    }

    /// Whether a key of the query is of this parameter.
    pub(crate) fn claims(&self, key: &str) -> bool {
        match &self.form {
            Form::Style { style: Style::DeepObject, .. } => {
                let rest = key.strip_prefix(&*self.name);
                rest.is_some_and(|rest| rest.starts_with('['))
            }
            Form::Style { style: Style::Form, explode: true, shape } if shape.is_object() => {
                key == &*self.name || shape.property(key).is_some() || shape.takes_others()
            }
            _ => key == &*self.name,
        }
    }

    /// Whether keys of the query that nobody else knows are of this parameter.
    pub(crate) fn claims_others(&self) -> bool {
        matches!(&self.form, Form::Style { style: Style::Form, explode: true, shape }
            if shape.is_object() && shape.takes_others())
    }
}

/// Headers that OpenAPI describes elsewhere: a parameter of this name is ignored.
const IGNORED_HEADERS: &[&str] = &["Accept", "Content-Type", "Authorization"];

#[cfg(test)]
mod tests;
