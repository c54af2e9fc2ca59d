//! The forms of a log line. Compiled once; writing a line allocates nothing but the buffer's growth.

use std::io::Write;
use std::net::IpAddr;
use std::str::FromStr;

use super::escape;
use super::record::{AccessRecord, Value};
use super::template::{FormatError, Part, compile};
use super::time_cache::{TimeCache, write_millis};
use crate::names::{Field, LOG_FIELDS};

/// A compiled form.
#[derive(Clone, Debug)]
pub struct Format {
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// Each field with its key, quoted and with a colon.
    Json(Box<[(Box<str>, Field)]>),
    /// Apache's `common`; with referer and user agent it is `combined`.
    Common {
        combined: bool,
    },
    Template(Box<[Part]>),
}

impl Format {
    /// One JSON object, with the fields in the order of [`LOG_FIELDS`]; absent ones are left out.
    #[must_use]
    pub fn json() -> Self {
        let key = |name: &str| format!("\"{name}\":").into_boxed_str();
        let fields = LOG_FIELDS.iter().map(|field| (key(field.name.name), field.field));
        Self { shape: Shape::Json(fields.collect()) }
    }

    /// The common log format. Its byte count is [`AccessRecord::bytes_out`], with the head.
    #[must_use]
    pub fn common() -> Self {
        Self { shape: Shape::Common { combined: false } }
    }

    /// The combined log format.
    #[must_use]
    pub fn combined() -> Self {
        Self { shape: Shape::Common { combined: true } }
    }

    /// Text with fields in braces: `{client.ip} {method} {path} {status} {duration_ms}`.
    ///
    /// # Errors
    /// An unknown field, a brace without its partner, a line break.
    pub fn template(template: &str) -> Result<Self, FormatError> {
        Ok(Self { shape: Shape::Template(compile(template)?) })
    }

    /// Writes one line without its end. Whatever bytes the record holds, the line has no line break and no
    /// control character, and a quoted text is not ended by its content.
    pub fn write(&self, record: &AccessRecord<'_>, times: &mut TimeCache, out: &mut Vec<u8>) {
        match &self.shape {
            Shape::Json(fields) => write_json(fields, record, times, out),
            Shape::Common { combined } => write_common(*combined, record, times, out),
            Shape::Template(parts) => write_template(parts, record, times, out),
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    /// Reads `json`, `common`, `combined` or a template, which has at least one brace.
    fn from_str(text: &str) -> Result<Self, FormatError> {
        match text {
            "json" => Ok(Self::json()),
            "common" => Ok(Self::common()),
            "combined" => Ok(Self::combined()),
            _ if text.contains('{') => Self::template(text),
            _ => Err(FormatError::NoFormat),
        }
    }
}

fn write_json(
    fields: &[(Box<str>, Field)],
    record: &AccessRecord<'_>,
    times: &mut TimeCache,
    out: &mut Vec<u8>,
) {
    let mut before = b'{';
    for (key, field) in fields {
        let Some(value) = record.value(*field) else { continue };
        out.push(before);
        out.extend_from_slice(key.as_bytes());
        let quoted = matches!(value, Value::Text(_) | Value::Ip(_) | Value::Time(_));
        if quoted {
            out.push(b'"');
        }
        write_value(value, escape::json, times, out);
        if quoted {
            out.push(b'"');
        }
        before = b',';
    }
    out.push(b'}');
}

fn write_template(
    parts: &[Part],
    record: &AccessRecord<'_>,
    times: &mut TimeCache,
    out: &mut Vec<u8>,
) {
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Field(field) => write_or_dash(record.value(*field), escape::line, times, out),
        }
    }
}

/// `client - user [time] "method target version" status bytes`, and perhaps `"referer" "user agent"`.
fn write_common(
    combined: bool,
    record: &AccessRecord<'_>,
    times: &mut TimeCache,
    out: &mut Vec<u8>,
) {
    write_or_dash(record.value(Field::ClientIp), escape::word, times, out);
    out.extend_from_slice(b" - ");
    write_or_dash(record.value(Field::User), escape::word, times, out);
    out.extend_from_slice(b" [");
    times.write_common(record.time, out);
    out.extend_from_slice(b"] \"");
    write_or_dash(record.value(Field::Method), escape::word, times, out);
    out.push(b' ');
    write_or_dash(record.value(Field::Path), escape::word, times, out);
    if let Some(query) = record.value(Field::Query) {
        out.push(b'?');
        write_value(query, escape::word, times, out);
    }
    out.push(b' ');
    write_or_dash(record.value(Field::Version), escape::word, times, out);
    out.extend_from_slice(b"\" ");
    write_or_dash(record.value(Field::Status), escape::word, times, out);
    out.push(b' ');
    write_or_dash(record.value(Field::BytesOut), escape::word, times, out);
    if combined {
        for field in [Field::Referer, Field::UserAgent] {
            out.extend_from_slice(b" \"");
            write_or_dash(record.value(field), escape::line, times, out);
            out.push(b'"');
        }
    }
}

/// How a text is made safe.
type Escape = fn(&[u8], &mut Vec<u8>);

fn write_or_dash(
    value: Option<Value<'_>>,
    escape: Escape,
    times: &mut TimeCache,
    out: &mut Vec<u8>,
) {
    match value {
        Some(value) => write_value(value, escape, times, out),
        None => out.push(b'-'),
    }
}

fn write_value(value: Value<'_>, escape: Escape, times: &mut TimeCache, out: &mut Vec<u8>) {
    match value {
        Value::Text(bytes) => escape(bytes, out),
        Value::Number(number) => write_number(number, out),
        Value::Millis(us) => write_millis(us, out),
        Value::Ip(ip) => write_ip(ip, out),
        Value::Time(time) => times.write_rfc3339(time, out),
        Value::Flag(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
    }
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn write_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(v4) => {
            for (place, octet) in v4.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                write_number(u64::from(octet), out);
            }
        }
        IpAddr::V6(v6) => {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "{v6}");
        }
    }
}

#[cfg(test)]
mod tests;
