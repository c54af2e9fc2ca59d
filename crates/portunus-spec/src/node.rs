//! The value tree: what a file says before anyone knows what it means.

use std::borrow::Cow;

use crate::{Span, Spanned};

/// One value and where it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Where; [`Span::NONE`] for synthetic nodes.
    pub span: Span,
    /// What.
    pub value: Value,
}

impl Node {
    /// A node that stands at `span`.
    #[must_use]
    pub const fn new(span: Span, value: Value) -> Self {
        Self { span, value }
    }

    /// A synthetic map, entries in the given order.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entry = |(key, value): (K, Self)| Entry { key: Spanned::none(key.into()), value };
        Value::Map(entries.into_iter().map(entry).collect()).into()
    }

    /// A synthetic map of those fields of a spec that are not implied.
    pub fn fields(entries: impl IntoIterator<Item = Option<(&'static str, Self)>>) -> Self {
        Self::map(entries.into_iter().flatten())
    }

    /// A synthetic list.
    pub fn seq(items: impl IntoIterator<Item = Self>) -> Self {
        Value::Seq(items.into_iter().collect()).into()
    }

    /// Synthetic text.
    pub fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into()).into()
    }

    /// The text of a scalar: text itself, and numbers and booleans as they were written.
    #[must_use]
    pub fn scalar(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Int(number) => Some(Cow::Owned(number.to_string())),
            Value::Float(number) => Some(Cow::Owned(format!("{number:?}"))),
            Value::Null | Value::Seq(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a map; of nothing (`key:`) none.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null => Some(&[]),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a key of this map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)
    }

    /// The value at the end of a path of keys; a number is an index where the path meets a list.
    #[must_use]
    pub fn find<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |node, step| match &node.value {
            Value::Seq(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
    }

    /// Whether both say the same, wherever it was written. The order of keys does not matter.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Seq(mine), Value::Seq(theirs)) => {
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| a.same(b))
            }
            (Value::Map(mine), Value::Map(theirs)) => {
                let found = |(index, entry): (usize, &Entry)| {
                    // Equal order is the usual case and saves the search.
                    let beside =
                        theirs.get(index).filter(|other| other.key.value == entry.key.value);
                    let value = beside.map(|other| &other.value).or_else(|| other.get(&entry.key));
                    value.is_some_and(|value| value.same(&entry.value))
                };
                mine.len() == theirs.len() && mine.iter().enumerate().all(found)
            }
            (mine, theirs) => mine == theirs,
        }
    }

    /// The kind as messages name it: `a list`, `a number`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Self { span: Span::NONE, value }
    }
}

/// What a node holds.
///
/// Numbers and booleans are only those whose text reads back unchanged (`80`, `0.5`, `true`).
/// Everything else that looks like one (`1.10`, `0x1F`, `True`) stays text, so that no reader
/// of text sees another text than the user wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing after the colon, `~` or `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Any other scalar.
    Text(String),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in source order; duplicate keys are still there.
    Map(Vec<Entry>),
}

impl Value {
    /// What a scalar without quotes means.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" => return Self::Null,
            "true" => return Self::Bool(true),
            "false" => return Self::Bool(false),
            _ => {}
        }
        if let Ok(number) = text.parse::<i64>()
            && number.to_string() == text
        {
            return Self::Int(number);
        }
        if let Ok(number) = text.parse::<f64>()
            && number.is_finite()
            && format!("{number:?}") == text
        {
            return Self::Float(number);
        }
        Self::Text(text.to_owned())
    }
}

/// One key of a map with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key and where it was written.
    pub key: Spanned<String>,
    /// Its value.
    pub value: Node,
}

#[cfg(test)]
mod tests;
