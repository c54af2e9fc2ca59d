//! Functions that only look at their arguments: conversions and texts. One table, for compiling and the reference.

mod convert;
mod text;

use crate::error::Fault;
use crate::kind::Kind;
use crate::value::Value;

/// A function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Function {
    Bool,
    Bytes,
    Contains,
    Double,
    Duration,
    Dyn,
    EndsWith,
    Int,
    LowerAscii,
    Size,
    Split,
    StartsWith,
    String,
    Timestamp,
    Trim,
    Uint,
    UpperAscii,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// `f(x)`
    Global,
    /// `x.f()`
    Method,
    /// Both.
    Either,
}

/// One line of the table.
pub struct FunctionLine {
    /// The name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it gives.
    pub doc: &'static str,
    pub(crate) what: Option<Function>,
    pub(crate) form: Form,
}

impl FunctionLine {
    const fn new(
        name: &'static str,
        what: Option<Function>,
        form: Form,
        usage: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, usage, doc, what, form }
    }
}

impl std::fmt::Debug for FunctionLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.usage)
    }
}

impl Function {
    /// The kind of what it gives for arguments of these kinds; None when it takes no such ones.
    pub(crate) fn gives(self, args: &[Kind]) -> Option<Kind> {
        let fits = |kind: &Kind, kinds: &[Kind]| kinds.iter().any(|known| kind.may_be(known));
        let text = |kind: &Kind| kind.may_be(&Kind::Text);
        let list = Kind::list(Kind::Any);
        let one = |kinds: &[Kind], gives: Kind| match args {
            [only] if fits(only, kinds) => Some(gives),
            _ => None,
        };
        let numbers = [Kind::Int, Kind::Uint, Kind::Double, Kind::Text];
        match (self, args) {
            (Self::Bool, _) => one(&[Kind::Bool, Kind::Text], Kind::Bool),
            (Self::Bytes, _) => one(&[Kind::Bytes, Kind::Text], Kind::Bytes),
            (Self::Double, _) => one(&numbers, Kind::Double),
            (Self::Uint, _) => one(&numbers, Kind::Uint),
            (Self::Int, [Kind::Time]) => Some(Kind::Int),
            (Self::Int, _) => one(&numbers, Kind::Int),
            (Self::Duration, _) => one(&[Kind::Span, Kind::Text], Kind::Span),
            (Self::Timestamp, _) => one(&[Kind::Time, Kind::Text, Kind::Int], Kind::Time),
            (Self::Dyn, [_]) => Some(Kind::Any),
            (Self::Size, _) => {
                one(&[Kind::Text, Kind::Bytes, list, Kind::map(Kind::Any)], Kind::Int)
            }
            (Self::String, [only]) => {
                let whole = matches!(only, Kind::List(_) | Kind::Map(_) | Kind::Null);
                (!whole).then_some(Kind::Text)
            }
            (Self::Contains | Self::EndsWith | Self::StartsWith, [a, b]) if text(a) && text(b) => {
                Some(Kind::Bool)
            }
            (Self::LowerAscii | Self::UpperAscii | Self::Trim, _) => one(&[Kind::Text], Kind::Text),
            (Self::Split, [a, b]) if text(a) && text(b) => Some(Kind::list(Kind::Text)),
            _ => None,
        }
    }

    /// How many steps each step's worth of an argument costs.
    pub(crate) fn weight(self) -> usize {
        match self {
            // A part may be as short as one character, and each becomes a value.
            Self::Split => 64,
            _ => 1,
        }
    }

    pub(crate) fn call<'e>(self, args: &[Value<'e>]) -> Result<Value<'e>, Fault> {
        match (self, args) {
            (Self::Dyn, [value]) => Ok(value.clone()),
            (Self::Size, [value]) => text::size(value),
            (Self::Bool, [value]) => convert::to_bool(value),
            (Self::Bytes, [value]) => convert::to_bytes(value),
            (Self::Double, [value]) => convert::to_double(value),
            (Self::Duration, [value]) => convert::to_span(value),
            (Self::Int, [value]) => convert::to_int(value),
            (Self::String, [value]) => convert::to_text(value).map(Value::Text),
            (Self::Timestamp, [value]) => convert::to_time(value),
            (Self::Uint, [value]) => convert::to_uint(value),
            (Self::LowerAscii | Self::UpperAscii | Self::Trim, [Value::Text(value)]) => {
                Ok(text::changed(self, value))
            }
            (Self::Split, [Value::Text(value), Value::Text(by)]) => Ok(text::split(value, by)),
            (_, [Value::Text(value), Value::Text(part)]) => text::test(self, value, part),
            _ => Err(Fault::Kind),
        }
    }
}

pub(crate) use convert::to_text;

/// The function of that name.
pub(crate) fn function(name: &str) -> Option<&'static FunctionLine> {
    FUNCTIONS.iter().find(|line| line.name == name)
}

/// Every function, in alphabetical order. Those without a [`Function`] are known to the compiler itself.
pub static FUNCTIONS: &[FunctionLine] = &[
    FunctionLine::new(
        "all",
        None,
        Form::Method,
        "list.all(x, test)",
        "whether the test holds for each",
    ),
    FunctionLine::new(
        "bool",
        Some(Function::Bool),
        Form::Global,
        "bool(text)",
        "`true` or `false`",
    ),
    FunctionLine::new(
        "bytes",
        Some(Function::Bytes),
        Form::Global,
        "bytes(text)",
        "the text in UTF-8",
    ),
    FunctionLine::new(
        "contains",
        Some(Function::Contains),
        Form::Method,
        "text.contains(part)",
        "whether the part is anywhere in it",
    ),
    FunctionLine::new(
        "double",
        Some(Function::Double),
        Form::Global,
        "double(number)",
        "as a double",
    ),
    FunctionLine::new(
        "duration",
        Some(Function::Duration),
        Form::Global,
        "duration(\"1h30m\")",
        "a duration, of `h`, `m`, `s`, `ms`, `us` and `ns`",
    ),
    FunctionLine::new(
        "dyn",
        Some(Function::Dyn),
        Form::Global,
        "dyn(value)",
        "the value, of no known type",
    ),
    FunctionLine::new(
        "endsWith",
        Some(Function::EndsWith),
        Form::Method,
        "text.endsWith(part)",
        "whether it ends so",
    ),
    FunctionLine::new(
        "exists",
        None,
        Form::Method,
        "list.exists(x, test)",
        "whether the test holds for one at least",
    ),
    FunctionLine::new(
        "exists_one",
        None,
        Form::Method,
        "list.exists_one(x, test)",
        "whether the test holds for exactly one",
    ),
    FunctionLine::new(
        "existsOne",
        None,
        Form::Method,
        "list.existsOne(x, test)",
        "as `exists_one`",
    ),
    FunctionLine::new(
        "filter",
        None,
        Form::Method,
        "list.filter(x, test)",
        "those for which it holds",
    ),
    FunctionLine::new(
        "getDate",
        None,
        Form::Method,
        "time.getDate(zone)",
        "day of the month, from 1",
    ),
    FunctionLine::new(
        "getDayOfMonth",
        None,
        Form::Method,
        "time.getDayOfMonth(zone)",
        "the same from 0",
    ),
    FunctionLine::new("getDayOfWeek", None, Form::Method, "time.getDayOfWeek(zone)", "0 is Sunday"),
    FunctionLine::new("getDayOfYear", None, Form::Method, "time.getDayOfYear(zone)", "from 0"),
    FunctionLine::new("getFullYear", None, Form::Method, "time.getFullYear(zone)", "the year"),
    FunctionLine::new(
        "getHours",
        None,
        Form::Method,
        "time.getHours(zone)",
        "hour, or a duration in hours",
    ),
    FunctionLine::new(
        "getMilliseconds",
        None,
        Form::Method,
        "time.getMilliseconds(zone)",
        "milliseconds",
    ),
    FunctionLine::new("getMinutes", None, Form::Method, "time.getMinutes(zone)", "minutes"),
    FunctionLine::new("getMonth", None, Form::Method, "time.getMonth(zone)", "from 0"),
    FunctionLine::new("getSeconds", None, Form::Method, "time.getSeconds(zone)", "seconds"),
    FunctionLine::new("has", None, Form::Global, "has(claims.tier)", "whether it is there"),
    FunctionLine::new("int", Some(Function::Int), Form::Global, "int(text)", "a whole number"),
    FunctionLine::new(
        "ip_in",
        None,
        Form::Global,
        "ip_in(client.ip, \"10.0.0.0/8\")",
        "whether an address is in a network, or in one of several",
    ),
    FunctionLine::new(
        "lowerAscii",
        Some(Function::LowerAscii),
        Form::Method,
        "text.lowerAscii()",
        "with A to Z as a to z",
    ),
    FunctionLine::new("map", None, Form::Method, "list.map(x, value)", "the value for each"),
    FunctionLine::new(
        "matches",
        None,
        Form::Either,
        "text.matches(\"^[a-z]+$\")",
        "whether the regex matches anywhere in it",
    ),
    FunctionLine::new(
        "size",
        Some(Function::Size),
        Form::Either,
        "size(list)",
        "how many there are",
    ),
    FunctionLine::new(
        "split",
        Some(Function::Split),
        Form::Method,
        "text.split(\",\")",
        "its parts",
    ),
    FunctionLine::new(
        "startsWith",
        Some(Function::StartsWith),
        Form::Method,
        "text.startsWith(part)",
        "whether it begins so",
    ),
    FunctionLine::new("string", Some(Function::String), Form::Global, "string(value)", "as text"),
    FunctionLine::new(
        "timestamp",
        Some(Function::Timestamp),
        Form::Global,
        "timestamp(\"2030-01-01T00:00:00Z\")",
        "a time (RFC 3339), or seconds since 1970",
    ),
    FunctionLine::new(
        "trim",
        Some(Function::Trim),
        Form::Method,
        "text.trim()",
        "without white space around it",
    ),
    FunctionLine::new(
        "uint",
        Some(Function::Uint),
        Form::Global,
        "uint(text)",
        "an unsigned whole number",
    ),
    FunctionLine::new(
        "upperAscii",
        Some(Function::UpperAscii),
        Form::Method,
        "text.upperAscii()",
        "with a to z as A to Z",
    ),
];
