//! Scalars: booleans, numbers, text, quantities with a unit.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use portunus_base::{
    ByteRate, ByteSize, Percent, Rate, format_duration, parse_byte_rate, parse_duration,
    parse_percent, parse_rate, parse_size,
};

use crate::shape::{Json, Scalar};
use crate::{Node, Reader, Shape, Spec, Value, nearest};

/// Reads a scalar through its text. `expected` is what messages call it, such as `a duration`;
/// `parse` answers what to write instead when the text is of another form.
pub fn read_parsed<T, E: ToString>(
    node: &Node,
    reader: &mut Reader<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let Some(text) = node.scalar() else {
        let help = parse("").err().map(|error| error.to_string());
        reader.wrong_kind(node, expected).help_if(help);
        return None;
    };
    match parse(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            let message = format!("`{text}` is not {expected}");
            reader.error(node.span, message).help(error.to_string());
            None
        }
    }
}

/// Reads one of a closed list of words; `what` is the kind of word, such as `order`.
pub fn read_word<T: Copy>(
    node: &Node,
    reader: &mut Reader<'_>,
    what: &str,
    words: &[(&str, T)],
) -> Option<T> {
    let list = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let Some(text) = node.scalar() else {
        reader.wrong_kind(node, what).help(format!("write one of {}", list()));
        return None;
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let near = nearest(&text, words.iter().map(|(word, _)| *word));
    let help = match near {
        Some(near) => format!("did you mean `{near}`? It is one of {}", list()),
        None => format!("write one of {}", list()),
    };
    reader.error(node.span, format!("`{text}` is not {what}")).help(help);
    None
}

impl Spec for bool {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        read_parsed(node, reader, "a boolean", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("write true or false"),
        })
    }

    fn write(&self) -> Node {
        Value::Bool(*self).into()
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar {
            name: "boolean",
            json: Json::Boolean,
            pattern: None,
            examples: &["true", "false"],
        })
    }
}

impl Spec for String {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = node.scalar() else {
            reader.wrong_kind(node, "text");
            return None;
        };
        Some(text.into_owned())
    }

    fn write(&self) -> Node {
        Node::text(self)
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar { name: "text", json: Json::String, pattern: None, examples: &[] })
    }
}

impl Spec for f64 {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        read_parsed(node, reader, "a number", |text| match text.parse::<Self>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err("write a number: 1, 0.5"),
        })
    }

    fn write(&self) -> Node {
        Value::Float(*self).into()
    }

    fn shape() -> Shape {
        Shape::Scalar(Scalar {
            name: "number",
            json: Json::Number,
            pattern: None,
            examples: &["0.5"],
        })
    }
}

/// Whole numbers; out of range is an error that names the range.
macro_rules! whole {
    ($($ty:ty),*) => {$(
        impl Spec for $ty {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                read_parsed(node, reader, "a whole number", |text| {
                    let range = || match <$ty>::MIN == 0 && <$ty>::BITS == 64 {
                        true => "write a whole number, 0 or more".to_owned(),
                        false => format!("write a whole number from {} to {}", <$ty>::MIN, <$ty>::MAX),
                    };
                    text.parse::<$ty>().map_err(|_| range())
                })
            }

            fn write(&self) -> Node {
                match i64::try_from(*self) {
                    Ok(number) => Value::Int(number).into(),
                    Err(_) => Node::text(self.to_string()),
                }
            }

            fn shape() -> Shape {
                Shape::Scalar(Scalar { name: "number", json: Json::Integer, pattern: None, examples: &[] })
            }
        }
    )*};
}

whole!(u16, u32, u64, usize, i64);

/// Scalars with a text form of their own.
macro_rules! textual {
    ($($ty:ty: $name:literal, $expected:literal, $pattern:expr, $examples:expr, $parse:expr, $format:expr;)*) => {$(
        impl Spec for $ty {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                read_parsed(node, reader, $expected, $parse)
            }

            fn write(&self) -> Node {
                Node::text($format(self))
            }

            fn shape() -> Shape {
                Shape::Scalar(Scalar { name: $name, json: Json::String, pattern: $pattern, examples: &$examples })
            }
        }
    )*};
}

textual! {
    Duration: "duration", "a duration", Some(r"^\d+(\.\d+)?(us|ms|s|m|h|d)$"), ["250ms", "5s", "1m"],
        parse_duration, |duration: &Duration| format_duration(*duration);
    ByteSize: "size", "a size", Some(r"^\d+(\.\d+)?(B|KB|KiB|MB|MiB|GB|GiB)$"), ["64KiB", "1MB"],
        parse_size, ToString::to_string;
    ByteRate: "rate of bytes", "a rate of bytes", Some(r"^\d+(\.\d+)?(B|KB|KiB|MB|MiB|GB|GiB)/s$"),
        ["1MiB/s", "240B/s"], parse_byte_rate, ToString::to_string;
    Rate: "rate", "a rate", Some(r"^\d+/(s|m|h|d|month)$"), ["100/s", "5000/h"],
        parse_rate, ToString::to_string;
    Percent: "percentage", "a percentage", Some(r"^\d+(\.\d+)? *%$"), ["20%", "0.5%"],
        parse_percent, ToString::to_string;
    IpAddr: "address", "an IP address", None, ["10.0.0.1", "::1"],
        |text: &str| text.parse::<IpAddr>().map_err(|_| "write an address: 10.0.0.1, ::1"), ToString::to_string;
    SocketAddr: "address", "an address with a port", None, ["127.0.0.1:8170", "[::1]:8170"],
        |text: &str| text.parse::<SocketAddr>().map_err(|_| "write an address with a port: 127.0.0.1:8170, [::1]:8170"),
        ToString::to_string;
}
