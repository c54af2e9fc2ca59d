//! Functions of texts and sizes.

use std::borrow::Cow;

use super::Function;
use crate::error::Fault;
use crate::value::{List, Value};

/// How many items, bytes, or characters of a text there are.
pub(super) fn size<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Err(Fault::Kind),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| Fault::Overflow)
}

pub(super) fn test<'e>(function: Function, text: &str, part: &str) -> Result<Value<'e>, Fault> {
    Ok(Value::Bool(match function {
        Function::Contains => memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some(),
        Function::EndsWith => text.ends_with(part),
        Function::StartsWith => text.starts_with(part),
        _ => return Err(Fault::Kind),
    }))
}

pub(super) fn changed<'e>(function: Function, text: &Cow<'e, str>) -> Value<'e> {
    Value::Text(match (function, text) {
        (Function::LowerAscii, text) => text.to_ascii_lowercase().into(),
        (Function::UpperAscii, text) => text.to_ascii_uppercase().into(),
        (_, Cow::Borrowed(text)) => text.trim().into(),
        (_, Cow::Owned(text)) => text.trim().to_owned().into(),
    })
}

/// The parts between the places where `by` stands; the characters when it is empty.
pub(super) fn split<'e>(text: &Cow<'e, str>, by: &str) -> Value<'e> {
    let parts: Vec<Value<'e>> = match text {
        Cow::Borrowed(text) => pieces(text, by).map(|part| Value::Text(part.into())).collect(),
        Cow::Owned(text) => {
            pieces(text, by).map(|part| Value::Text(part.to_owned().into())).collect()
        }
    };
    Value::List(List::Made(parts.into()))
}

fn pieces<'t>(text: &'t str, by: &str) -> Box<dyn Iterator<Item = &'t str> + 't> {
    if by.is_empty() {
        return Box::new(
            text.char_indices()
                .map(|(at, letter)| text.get(at..at + letter.len_utf8()).unwrap_or("")),
        );
    }
    let by = by.to_owned();
    let mut rest = Some(text);
    Box::new(std::iter::from_fn(move || {
        let whole = rest.take()?;
        let Some((part, after)) = whole.split_once(&*by) else { return Some(whole) };
        rest = Some(after);
        Some(part)
    }))
}
