//! What a request or an answer has against its operation.

use serde_json::{Map, Value};

use crate::schema::Flaw;

/// One thing that is not as the document says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Which part of the message.
    pub part: Part,
    /// The parameter, header or cookie; empty for a body.
    pub name: Box<str>,
    /// Where in its value, as a JSON Pointer; empty for all of it.
    pub pointer: String,
    /// What is wrong. Never says what a value holds.
    pub message: String,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// A part of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// The body.
    Body,
    /// The status of an answer.
    Status,
}

impl Part {
    /// The word that problem pages use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::Status => "status",
        }
    }
}

impl Violation {
    pub(crate) fn new(part: Part, name: &str, message: impl Into<String>) -> Self {
        let (name, message) = (Box::from(name), message.into());
        Self { part, name, pointer: String::new(), message }
    }

    pub(crate) fn of_flaw(part: Part, name: &str, flaw: Flaw) -> Self {
        Self { part, name: Box::from(name), pointer: flaw.pointer, message: flaw.message }
    }

    /// An item of the problem page's list.
    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("in".to_owned(), self.part.word().into());
        if !self.name.is_empty() {
            map.insert("name".to_owned(), (*self.name).into());
        }
        if !self.pointer.is_empty() || self.part == Part::Body {
            map.insert("pointer".to_owned(), self.pointer.as_str().into());
        }
        map.insert("message".to_owned(), self.message.as_str().into());
        Value::Object(map)
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.part.word())?;
        if !self.name.is_empty() {
            write!(f, " `{}`", self.name)?;
        }
        if !self.pointer.is_empty() {
            write!(f, " at {}", self.pointer)?;
        }
        write!(f, " {}", self.message)
    }
}
