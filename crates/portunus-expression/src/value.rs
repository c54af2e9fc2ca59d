//! Values of an evaluation. Most borrow from the exchange or the expression, so that reading one costs nothing.

mod list;
mod map;

pub(crate) use list::List;
pub(crate) use map::Map;

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::kind::Kind;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'e> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Cow<'e, str>),
    Bytes(Cow<'e, [u8]>),
    Time(Timestamp),
    Span(SignedDuration),
    List(List<'e>),
    Map(Map<'e>),
}

impl<'e> Value<'e> {
    /// A text of the exchange. Bytes that are not UTF-8 become the replacement character.
    pub(crate) fn text(bytes: &'e [u8]) -> Self {
        Self::Text(String::from_utf8_lossy(bytes))
    }

    /// A value of a token's claims.
    pub(crate) fn json(value: &'e serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::number(number),
            serde_json::Value::String(text) => Self::Text(Cow::Borrowed(text)),
            serde_json::Value::Array(items) => Self::List(List::Json(items)),
            serde_json::Value::Object(entries) => Self::Map(Map::Json(entries)),
        }
    }

    fn number(number: &serde_json::Number) -> Self {
        let whole = number.as_i64().map(Self::Int);
        let whole = whole.or_else(|| number.as_u64().map(Self::Uint));
        whole.unwrap_or_else(|| Self::Double(number.as_f64().unwrap_or(f64::NAN)))
    }

    /// The same value, borrowed.
    pub(crate) fn borrow(&'e self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Cow::Borrowed(text)),
            Self::Bytes(bytes) => Self::Bytes(Cow::Borrowed(bytes)),
            other => other.clone(),
        }
    }

    /// The same value, owned. For constants, whose lists and maps are made by the expression.
    pub(crate) fn into_static(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(number) => Value::Int(number),
            Self::Uint(number) => Value::Uint(number),
            Self::Double(number) => Value::Double(number),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
            Self::Time(time) => Value::Time(time),
            Self::Span(span) => Value::Span(span),
            Self::List(list) => {
                let items: Vec<_> = list.iter().map(Value::into_static).collect();
                Value::List(List::Made(items.into()))
            }
            Self::Map(map) => Value::Map(map.into_static()),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Uint(_) => Kind::Uint,
            Self::Double(_) => Kind::Double,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Time(_) => Kind::Time,
            Self::Span(_) => Kind::Span,
            Self::List(_) => Kind::list(Kind::Any),
            Self::Map(_) => Kind::map(Kind::Any),
        }
    }

    /// How many steps it costs to look at the value as a whole.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() / BYTES_PER_STEP,
            Self::Bytes(bytes) => bytes.len() / BYTES_PER_STEP,
            Self::List(list) => list.weight(),
            Self::Map(map) => map.weight(),
            _ => 0,
        }
    }
}

/// Bytes of text that count as one step.
pub(crate) const BYTES_PER_STEP: usize = 64;
