//! Values that are never printed back.

use std::fmt;

use crate::shape::Json;
use crate::{Node, Reader, Shape, Spec, shape::Scalar};

/// A secret: `text`, `{file: path}` or `{env: NAME}`. Only [`Secret::expose`] shows it.
///
/// The normal form names the file or the variable; a secret written in place becomes `[hidden]`,
/// so two configurations that differ only there have the same normal form.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret {
    origin: Origin,
    text: String,
}

impl Secret {
    /// The secret itself: for comparing and sending, never for messages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.origin)
    }
}

impl Spec for Secret {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(text) = node.scalar() {
            reader.hide(node.span);
            return Some(Self { origin: Origin::Text, text: text.into_owned() });
        }
        let entry = match node.entries() {
            Some([entry]) => entry,
            _ => return wrong(node, reader),
        };
        let name = match entry.key.value.as_str() {
            "file" | "env" => {
                reader.key(&entry.key, |reader| String::read(&entry.value, reader))?
            }
            _ => return wrong(node, reader),
        };
        let found = match entry.key.value.as_str() {
            "env" => (reader.lookup().env(&name))
                .ok_or_else(|| format!("the environment variable `{name}` is not set")),
            _ => reader.lookup().file(&name),
        };
        match found {
            Ok(text) if entry.key.value == "env" => Some(Self { origin: Origin::Env(name), text }),
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                Some(Self { origin: Origin::File(name), text })
            }
            Err(message) => {
                reader.error(entry.value.span, message);
                None
            }
        }
    }

    fn write(&self) -> Node {
        match &self.origin {
            Origin::Text => Node::text("[hidden]"),
            Origin::File(path) => Node::map([("file", Node::text(path))]),
            Origin::Env(name) => Node::map([("env", Node::text(name))]),
        }
    }

    fn shape() -> Shape {
        let text = Scalar {
            name: "secret",
            json: Json::String,
            pattern: None,
            examples: &["{file: /run/secrets/x}", "{env: X}"],
        };
        Shape::OneOf(vec![Shape::Scalar(text), Shape::Map(String::shape)])
    }
}

/// Where a secret came from; never its text.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Origin {
    Text,
    File(String),
    Env(String),
}

fn wrong(node: &Node, reader: &mut Reader<'_>) -> Option<Secret> {
    let error = reader.wrong_kind(node, "a secret");
    error.help("write the text, {file: /run/secrets/x} or {env: X}");
    None
}

#[cfg(test)]
mod tests;
