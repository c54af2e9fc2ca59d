//! A log line of the user's own form: text with the names of fields in braces.

use std::fmt;

use portunus_spec::nearest;

use crate::names::{Field, LOG_FIELDS};

/// A piece of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Text(Box<str>),
    Field(Field),
}

/// Splits a template into its parts. `{{` and `}}` stand for the braces themselves.
pub(super) fn compile(template: &str) -> Result<Box<[Part]>, FormatError> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}', '\r', '\n']) {
        let (plain, tail) = rest.split_at(at);
        text.push_str(plain);
        if let Some(after) = tail.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else if let Some(after) = tail.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or(FormatError::Unclosed)?;
            push_text(&mut parts, &mut text);
            parts.push(Part::Field(field(name)?));
            rest = after;
        } else {
            let unopened = tail.starts_with('}');
            return Err(if unopened { FormatError::Unopened } else { FormatError::Newline });
        }
    }
    text.push_str(rest);
    push_text(&mut parts, &mut text);
    Ok(parts.into())
}

fn push_text(parts: &mut Vec<Part>, text: &mut String) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text).into()));
    }
}

fn field(name: &str) -> Result<Field, FormatError> {
    let found = LOG_FIELDS.iter().find(|field| field.name.name == name);
    found.map(|field| field.field).ok_or_else(|| FormatError::Unknown {
        name: name.to_owned(),
        nearest: nearest(name, LOG_FIELDS.iter().map(|field| field.name.name)),
    })
}

/// Why a text is no log format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FormatError {
    /// A field that does not exist.
    Unknown {
        /// What was written.
        name: String,
        /// The field that it may have been meant to be.
        nearest: Option<&'static str>,
    },
    /// A brace that is not closed.
    Unclosed,
    /// A closing brace alone.
    Unopened,
    /// A line break: a record is one line.
    Newline,
    /// Neither the name of a format nor a template.
    NoFormat,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, nearest: Some(nearest) } => {
                write!(f, "there is no log field `{name}`; did you mean `{nearest}`?")
            }
            Self::Unknown { name, nearest: None } => {
                let names: Vec<_> = LOG_FIELDS.iter().map(|field| field.name.name).collect();
                write!(f, "there is no log field `{name}`; there are: {}", names.join(", "))
            }
            Self::Unclosed => f.write_str("a `{` is not closed; write `{{` for the brace itself"),
            Self::Unopened => f.write_str("a `}` closes nothing; write `}}` for the brace itself"),
            Self::Newline => f.write_str("a log format is one line"),
            Self::NoFormat => f.write_str(
                "write `json`, `common`, `combined`, or a template such as `{client.ip} {status}`",
            ),
        }
    }
}

impl std::error::Error for FormatError {}
