//! Conversions between types.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::error::Fault;
use crate::time;
use crate::value::Value;

pub(super) fn to_bool<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::Text(text) => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(Fault::Unreadable),
        },
        _ => Err(Fault::Kind),
    }
}

pub(super) fn to_bytes<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    match value {
        Value::Bytes(_) => Ok(value.clone()),
        Value::Text(Cow::Borrowed(text)) => Ok(Value::Bytes(text.as_bytes().into())),
        Value::Text(Cow::Owned(text)) => Ok(Value::Bytes(text.clone().into_bytes().into())),
        _ => Err(Fault::Kind),
    }
}

pub(super) fn to_double<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    let double = match value {
        Value::Double(number) => *number,
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::Text(text) => text.parse().map_err(|_| Fault::Unreadable)?,
        _ => return Err(Fault::Kind),
    };
    Ok(Value::Double(double))
}

pub(super) fn to_int<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    let int = match value {
        Value::Int(number) => *number,
        Value::Uint(number) => i64::try_from(*number).map_err(|_| Fault::Overflow)?,
        // Both bounds are exact in a double; the range of CEL is open at both ends.
        Value::Double(number) => match *number > -TWO_TO_63 && *number < TWO_TO_63 {
            true => *number as i64,
            false => return Err(Fault::Overflow),
        },
        Value::Text(text) => text.parse().map_err(|_| Fault::Unreadable)?,
        Value::Time(time) => time.as_second(),
        _ => return Err(Fault::Kind),
    };
    Ok(Value::Int(int))
}

pub(super) fn to_uint<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    let uint = match value {
        Value::Uint(number) => *number,
        Value::Int(number) => u64::try_from(*number).map_err(|_| Fault::Overflow)?,
        Value::Double(number) => match *number >= 0.0 && *number < TWO_TO_63 * 2.0 {
            true => *number as u64,
            false => return Err(Fault::Overflow),
        },
        Value::Text(text) => text.parse().map_err(|_| Fault::Unreadable)?,
        _ => return Err(Fault::Kind),
    };
    Ok(Value::Uint(uint))
}

pub(super) fn to_span<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    match value {
        Value::Span(_) => Ok(value.clone()),
        Value::Text(text) => time::read_span(text).map(Value::Span).ok_or(Fault::Unreadable),
        _ => Err(Fault::Kind),
    }
}

pub(super) fn to_time<'e>(value: &Value<'e>) -> Result<Value<'e>, Fault> {
    match value {
        Value::Time(_) => Ok(value.clone()),
        Value::Int(seconds) => {
            Timestamp::from_second(*seconds).map(Value::Time).map_err(|_| Fault::Overflow)
        }
        Value::Text(text) => text.parse().map(Value::Time).map_err(|_| Fault::Unreadable),
        _ => Err(Fault::Kind),
    }
}

/// The text of a value; lists and maps have none.
pub(crate) fn to_text<'e>(value: &Value<'e>) -> Result<Cow<'e, str>, Fault> {
    Ok(match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Int(number) => number.to_string().into(),
        Value::Uint(number) => number.to_string().into(),
        Value::Double(number) => number.to_string().into(),
        Value::Bytes(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| Fault::Unreadable)?;
            text.to_owned().into()
        }
        Value::Time(time) => time.to_string().into(),
        Value::Span(span) => time::span_text(*span).into(),
        Value::Null | Value::List(_) | Value::Map(_) => return Err(Fault::Kind),
    })
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests;
