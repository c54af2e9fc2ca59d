//! The header of a token (RFC 7515 section 4). Read for each new token, so without building a map.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::json::Strict;
use crate::{Algorithm, Fault, JsonFault, Part};

/// What a token says of itself. Everything else in a header is passed over, above all keys and where to find them
/// (`jwk`, `jku`, `x5u`, `x5c`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`.
    pub key_id: Option<String>,
    /// `typ`.
    pub kind: Option<String>,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// It is no object, a key stands twice in it, it names no algorithm that is known, or it asks for an extension.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice::<Fields>(text) {
            Ok(fields) => fields.header(),
            Err(error) if error.is_data() => {
                // Only an object is read, so whatever is another value is no object.
                let is_object = text.trim_ascii_start().first() == Some(&b'{');
                let fault = if is_object { JsonFault::DuplicateKey } else { JsonFault::NoObject };
                Err(Fault::Json(Part::Header, fault))
            }
            Err(_) => Err(Fault::Json(Part::Header, JsonFault::Syntax)),
        }
    }
}

/// The fields that count.
#[derive(Default)]
struct Fields {
    alg: Option<Value>,
    kid: Option<Value>,
    typ: Option<Value>,
    /// There is a field that must not be passed over.
    is_critical: bool,
}

impl Fields {
    fn header(self) -> Result<Header, Fault> {
        if self.is_critical {
            return Err(Fault::Critical);
        }
        let algorithm = match self.alg {
            Some(Value::String(name)) if name.eq_ignore_ascii_case("none") => {
                return Err(Fault::Unsigned);
            }
            Some(Value::String(name)) => Algorithm::named(&name).ok_or(Fault::Algorithm)?,
            _ => return Err(Fault::NoAlgorithm),
        };
        Ok(Header { algorithm, key_id: text(self.kid), kind: text(self.typ) })
    }
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen: Vec<Cow<'de, str>> = Vec::with_capacity(FIELDS_USUAL);
        while let Some(Name(name)) = entries.next_key()? {
            // The comparison with all before must stay short, whoever sends the header.
            if seen.contains(&name) || seen.len() == FIELDS_MAX {
                return Err(A::Error::custom("a key stands twice, or there are too many"));
            }
            match &*name {
                "alg" => fields.alg = Some(entries.next_value::<Strict>()?.0),
                "kid" => fields.kid = Some(entries.next_value::<Strict>()?.0),
                "typ" => fields.typ = Some(entries.next_value::<Strict>()?.0),
                "crit" | "b64" => {
                    fields.is_critical = true;
                    let _: IgnoredAny = entries.next_value()?;
                }
                _ => _ = entries.next_value::<IgnoredAny>()?,
            }
            seen.push(name);
        }
        Ok(fields)
    }
}

/// A key of an object, borrowed where it holds no escape.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }
}

const FIELDS_USUAL: usize = 4;

/// The most fields of a header; there are about a dozen that have a meaning.
const FIELDS_MAX: usize = 32;
