//! Values that a configuration gives, with variables in their texts.

use portunus_exchange::{Exchange, Template};
use portunus_filter::BuildCx;
use portunus_spec::{Node, Spanned, Value};

use crate::json::write_string;

/// A JSON value with variables in its texts, compiled.
#[derive(Debug)]
pub(crate) enum Written {
    /// Without variables: its text.
    Fixed(Box<[u8]>),
    /// A string with variables.
    Text(Template),
    /// A list with variables in it.
    List(Vec<Self>),
    /// A map with variables in its values; keys are encoded.
    Map(Vec<(Box<[u8]>, Self)>),
}

impl Written {
    /// Compiles what was written. None, with diagnostics, where a variable is unknown.
    pub(crate) fn build(node: &Node, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let built = match &node.value {
            Value::Null => Self::fixed("null"),
            Value::Bool(flag) => Self::fixed(&flag.to_string()),
            Value::Int(number) => Self::fixed(&number.to_string()),
            Value::Float(number) => Self::fixed(&number.to_string()),
            Value::Text(text) => {
                let template = cx.template(&Spanned::new(node.span, text.clone()))?;
                match template.as_literal() {
                    Some(literal) => Self::Fixed(encoded(literal)),
                    None => Self::Text(template),
                }
            }
            Value::Seq(items) => {
                let items: Vec<_> = items.iter().map(|item| Self::build(item, cx)).collect();
                Self::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| {
                        let value = Self::build(&entry.value, cx)?;
                        Some((encoded(entry.key.value.as_bytes()), value))
                    })
                    .collect();
                Self::Map(entries.into_iter().collect::<Option<_>>()?)
            }
        };
        Some(built)
    }

    /// The value's text for an exchange.
    pub(crate) fn render(&self, exchange: &Exchange) -> String {
        let mut out = Vec::new();
        self.write(exchange, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn fixed(text: &str) -> Self {
        Self::Fixed(text.as_bytes().into())
    }

    fn write(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        match self {
            Self::Fixed(text) => out.extend_from_slice(text),
            Self::Text(template) => {
                let mut text = Vec::new();
                template.render(exchange, &mut text);
                write_string(&String::from_utf8_lossy(&text), out);
            }
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b"," } else { b"" });
                    item.write(exchange, out);
                }
                out.push(b']');
            }
            Self::Map(entries) => {
                out.push(b'{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b"," } else { b"" });
                    out.extend_from_slice(key);
                    out.push(b':');
                    value.write(exchange, out);
                }
                out.push(b'}');
            }
        }
    }
}

fn encoded(text: &[u8]) -> Box<[u8]> {
    let mut out = Vec::new();
    write_string(&String::from_utf8_lossy(text), &mut out);
    out.into()
}
