//! `+ - * / %`. Nothing wraps around: what is beyond the range of a type is a fault.

use jiff::{SignedDuration, Timestamp};

use crate::error::Fault;
use crate::time;
use crate::tree::Arithmetic;
use crate::value::{List, Value};

type Calculated<'e> = Result<Value<'e>, Fault>;

pub(super) fn negative<'e>(value: &Value<'e>) -> Calculated<'e> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or(Fault::Overflow),
        Value::Double(number) => Ok(Value::Double(-number)),
        _ => Err(Fault::Kind),
    }
}

pub(super) fn of<'e>(what: Arithmetic, left: Value<'e>, right: Value<'e>) -> Calculated<'e> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => ints(what, a, b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => uints(what, a, b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => doubles(what, a, b).map(Value::Double),
        (left, right) => match what {
            Arithmetic::Add => sum(left, right),
            Arithmetic::Subtract => difference(&left, &right),
            _ => Err(Fault::Kind),
        },
    }
}

fn ints(what: Arithmetic, a: i64, b: i64) -> Result<i64, Fault> {
    let result = match what {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return Err(Fault::DivisionByZero),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(Fault::Overflow)
}

fn uints(what: Arithmetic, a: u64, b: u64) -> Result<u64, Fault> {
    let result = match what {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => return Err(Fault::DivisionByZero),
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(Fault::Overflow)
}

fn doubles(what: Arithmetic, a: f64, b: f64) -> Result<f64, Fault> {
    Ok(match what {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => return Err(Fault::Kind),
    })
}

fn sum<'e>(left: Value<'e>, right: Value<'e>) -> Calculated<'e> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Ok(Value::Text(a + b)),
        (Value::Bytes(a), Value::Bytes(b)) => {
            let mut whole = a.into_owned();
            whole.extend_from_slice(&b);
            Ok(Value::Bytes(whole.into()))
        }
        (Value::List(a), Value::List(b)) => {
            let whole: Vec<Value<'e>> = a.iter().chain(b.iter()).collect();
            Ok(Value::List(List::Made(whole.into())))
        }
        (Value::Time(time), Value::Span(span)) | (Value::Span(span), Value::Time(time)) => {
            moved(time, span.as_nanos())
        }
        (Value::Span(a), Value::Span(b)) => span(a.as_nanos() + b.as_nanos()),
        _ => Err(Fault::Kind),
    }
}

fn difference<'e>(left: &Value<'e>, right: &Value<'e>) -> Calculated<'e> {
    match (left, right) {
        (Value::Time(time), Value::Span(span)) => moved(*time, -span.as_nanos()),
        (Value::Time(a), Value::Time(b)) => span(a.as_nanosecond() - b.as_nanosecond()),
        (Value::Span(a), Value::Span(b)) => span(a.as_nanos() - b.as_nanos()),
        _ => Err(Fault::Kind),
    }
}

/// Times are those of the years 1 to 9999.
fn moved<'e>(time: Timestamp, nanos: i128) -> Calculated<'e> {
    let span = SignedDuration::from_nanos_i128(nanos);
    let moved = time.checked_add(span).ok().filter(|moved| moved.as_second() >= FIRST_SECOND);
    moved.map(Value::Time).ok_or(Fault::Overflow)
}

fn span<'e>(nanos: i128) -> Calculated<'e> {
    time::span_of_nanos(nanos).map(Value::Span).ok_or(Fault::Overflow)
}

/// The first second of the year 1.
const FIRST_SECOND: i64 = -62_135_596_800;
