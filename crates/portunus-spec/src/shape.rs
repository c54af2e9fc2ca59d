//! Descriptions of what can be written, for the JSON schema and the reference pages.

mod json_schema;
mod markdown;

pub use json_schema::{json_schema, json_schema_with};
pub use markdown::{markdown, type_name};

/// What a type accepts. Children are functions, so that recursive types are no problem.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Anything.
    Any,
    /// Nothing: the key is known only to be refused. Schema and reference leave it out.
    Never,
    /// One value of a list that a registry supplies, such as `filter`: a bare name, or a map of
    /// one key.
    Open(&'static str),
    /// A scalar.
    Scalar(Scalar),
    /// A list; a single value stands for a list of one.
    List(fn() -> Self),
    /// A map from names to values.
    Map(fn() -> Self),
    /// A map of known keys.
    Struct(StructShape),
    /// One of some words.
    Choice(Choice),
    /// Any of several forms.
    OneOf(Vec<Self>),
}

/// A scalar.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// What the reference calls it.
    pub name: &'static str,
    /// Its type in JSON.
    pub json: Json,
    /// A regular expression that its text matches.
    pub pattern: Option<&'static str>,
    /// Texts to copy from.
    pub examples: &'static [&'static str],
}

/// The types of JSON scalars.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Json {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Text; numbers and booleans stand for their text.
    String,
}

/// A map of known keys.
#[derive(Clone, Debug)]
pub struct StructShape {
    /// Its full Rust path: tells apart structs of the same name.
    pub id: &'static str,
    /// Its Rust name.
    pub name: &'static str,
    /// What it is for.
    pub doc: String,
    /// The field that a scalar or list in place of the map sets.
    pub short: Option<&'static str>,
    /// Its keys.
    pub fields: Vec<FieldShape>,
}

/// One key of a struct.
#[derive(Clone, Debug)]
pub struct FieldShape {
    /// The key.
    pub name: &'static str,
    /// What it is for.
    pub doc: String,
    /// What it accepts.
    pub shape: fn() -> Shape,
    /// Its default as YAML on one line.
    pub default: Option<String>,
    /// Whether it must be there.
    pub required: bool,
}

impl FieldShape {
    /// Whether users can write the key at all.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!((self.shape)(), Shape::Never)
    }
}

/// One of some words.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its Rust name.
    pub name: &'static str,
    /// What it chooses.
    pub doc: String,
    /// Each word with its meaning.
    pub words: Vec<(&'static str, String)>,
}

/// The text of a doc comment from its lines.
#[must_use]
pub fn doc(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests;
