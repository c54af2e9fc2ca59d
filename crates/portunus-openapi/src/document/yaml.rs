//! YAML text to JSON values, by the core schema of YAML 1.2.
//!
//! Documents come from elsewhere, so more is taken than in a configuration: merge keys, and keys that are numbers.
//! Aliases are paid from a budget.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

/// Why a text cannot be read.
#[derive(Debug)]
pub(super) struct YamlError {
    /// Line and column, from 1.
    pub(super) at: (usize, usize),
    pub(super) message: String,
}

/// Reads the one document of a text.
pub(super) fn parse(text: &str) -> Result<Value, YamlError> {
    let mut tree = Tree { events: events(text), anchors: HashMap::new(), left: VALUES_MAX };
    tree.document()
}

/// The events of a text, nested within bounds.
pub(super) fn events(text: &str) -> Parser<'_, StrInput<'_>> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    Parser::new_from_str_with_options(text, options)
}

struct Tree<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// Values that have a name, with how many values are in each.
    anchors: HashMap<usize, (Value, usize)>,
    left: usize,
}

type At = (usize, usize);

impl<'t> Tree<'t> {
    fn document(&mut self) -> Result<Value, YamlError> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root.unwrap_or_default()),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {
                    let (event, at) = self.next()?;
                    root = Some(self.value(event, at)?);
                }
                _ => return Err(error(at, "a file holds one document")),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, At), YamlError> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, (span.start.line(), span.start.col() + 1))),
            Some(Err(fault)) => {
                let at = (fault.marker().line(), fault.marker().col() + 1);
                Err(error(at, format!("not YAML: {}", fault.info())))
            }
            None => Err(error((1, 1), "the text ends too early")),
        }
    }

    fn value(&mut self, event: Event<'t>, at: At) -> Result<Value, YamlError> {
        let before = self.left;
        self.pay(1, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let plain = style == ScalarStyle::Plain && !is_text;
                let value = if plain { plain_scalar(&text) } else { text.into_owned().into() };
                (value, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list()?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map()?, anchor),
            Event::Alias(id) => return self.alias(id, at),
            _ => return Err(error(at, "expected a value")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), before - self.left));
        }
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            items.push(self.value(event, at)?);
        }
    }

    fn map(&mut self) -> Result<Value, YamlError> {
        let (mut map, mut merged) = (Map::new(), Vec::new());
        loop {
            let (event, at) = self.next()?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(error(at, "a key must be a single word or text")),
            };
            let (event, value_at) = self.next()?;
            let value = self.value(event, value_at)?;
            if key == "<<" {
                merged.push(value);
            } else if map.contains_key(&key) {
                return Err(error(at, format!("the key `{key}` is written twice")));
            } else {
                map.insert(key, value);
            }
        }
        merged.into_iter().for_each(|value| merge(&mut map, value));
        Ok(Value::Object(map))
    }

    fn alias(&mut self, id: usize, at: At) -> Result<Value, YamlError> {
        let Some((value, values)) = self.anchors.get(&id) else {
            return Err(error(at, "the alias stands inside of what it refers to"));
        };
        let (value, values) = (value.clone(), *values);
        self.pay(values, at)?;
        Ok(value)
    }

    fn pay(&mut self, values: usize, at: At) -> Result<(), YamlError> {
        let left = self.left.checked_sub(values);
        self.left = left
            .ok_or_else(|| error(at, format!("more than {VALUES_MAX} values, aliases included")))?;
        Ok(())
    }
}

/// What is written in a map goes before what is merged into it.
fn merge(map: &mut Map<String, Value>, value: Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                map.entry(key).or_insert(value);
            }
        }
        Value::Array(items) => items.into_iter().for_each(|item| merge(map, item)),
        _ => {}
    }
}

/// What a scalar without quotes means in the core schema.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !digits.contains(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let whole = text.parse::<u64>().ok().map(Number::from);
    if let Some(whole) = whole.or_else(|| text.parse::<i64>().ok().map(Number::from)) {
        return Some(whole);
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

fn error(at: At, message: impl Into<String>) -> YamlError {
    YamlError { at, message: message.into() }
}

/// Most values in one document, those that aliases copy included.
const VALUES_MAX: usize = 4_000_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 128;

#[cfg(test)]
mod tests;
