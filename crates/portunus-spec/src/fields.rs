//! The fields of a struct that [`spec!`](crate::spec) describes: reading, writing, describing.

use crate::shape::FieldShape;
use crate::{Entry, Node, Reader, Span, Spec, nearest, suggestion, yaml};

/// One field of a spec: everything that the macro knows about it.
pub struct Field<T> {
    /// The key in the map; a leading `r#` is not part of it.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub doc: &'static [&'static str],
    /// The value where the key is missing.
    pub default: Option<fn() -> T>,
}

impl<T: Spec> Field<T> {
    /// The value of a missing key; `None` where the key is required.
    #[must_use]
    pub fn absent(&self) -> Option<T> {
        match self.default {
            Some(default) => Some(default()),
            None => T::absent(),
        }
    }

    /// Takes the field's value out of a map, or its absent value.
    pub fn read(&self, fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<T> {
        let key = self.key();
        if let Some(value) = fields.value(key) {
            let read = reader.key(key, |reader| T::read(value, reader));
            return read.or_else(|| self.absent().filter(|_| reader.is_lenient()));
        }
        let absent = self.absent();
        if absent.is_none() {
            let message = format!("missing key `{key}`");
            reader.error(fields.span, message).help(format!("add `{key}: ...`"));
        }
        absent
    }

    /// The field in a normal form; `None` if it has its absent value.
    pub fn write(&self, value: &T) -> Option<(&'static str, Node)> {
        let node = value.write();
        let implied = self.absent().is_some_and(|absent| absent.write().same(&node));
        (!implied).then(|| (self.key(), node))
    }

    /// The field as schema and reference show it.
    #[must_use]
    pub fn shape(&self) -> FieldShape {
        let default = self.default.map(|default| yaml::inline(&default().write()));
        FieldShape {
            name: self.key(),
            doc: crate::shape::doc(self.doc),
            shape: T::shape,
            required: self.absent().is_none(),
            default,
        }
    }

    fn key(&self) -> &'static str {
        plain(self.name)
    }
}

/// The map that a struct is read from.
pub struct Fields<'n> {
    entries: Vec<(&'n str, &'n Node)>,
    span: Span,
}

impl<'n> Fields<'n> {
    /// Opens a node: a map, nothing, or the short form of the field `short`. Reports keys that
    /// are unknown or written twice.
    pub fn open(
        node: &'n Node,
        known: &'static [&'static str],
        short: Option<&'static str>,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let span = node.span;
        let Some(entries) = node.entries() else {
            let Some(short) = short else {
                let keys = known.iter().map(|key| plain(key)).collect::<Vec<_>>().join(", ");
                reader.wrong_kind(node, "a map").help(format!("write a map of: {keys}"));
                return None;
            };
            return Some(Self { entries: vec![(plain(short), node)], span });
        };
        let written = unique(entries, reader);
        let mut entries: Vec<(&str, &Node)> =
            written.iter().map(|entry| (entry.key.value.as_str(), &entry.value)).collect();
        for entry in written {
            if known.iter().any(|key| plain(key) == entry.key.value) {
                continue;
            }
            unknown(entry, known, reader);
            if reader.is_lenient() {
                // A key that is there under its right name stands before this one.
                let meant = nearest(&entry.key, known.iter().map(|key| plain(key)));
                entries.extend(meant.map(|key| (key, &entry.value)));
            }
        }
        Some(Self { entries, span })
    }

    fn value(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }
}

/// The entries without those whose key came before; these are reported.
pub(crate) fn unique<'n>(entries: &'n [Entry], reader: &mut Reader<'_>) -> Vec<&'n Entry> {
    let mut seen = std::collections::HashMap::with_capacity(entries.len());
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(first) = seen.insert(entry.key.value.as_str(), entry.key.span) {
            let message = format!("the key `{}` is written twice", entry.key.value);
            let error = reader.error(entry.key.span, message);
            error.related(first, "first here").help("keep one of them");
        } else {
            kept.push(entry);
        }
    }
    kept
}

fn unknown(entry: &Entry, known: &'static [&'static str], reader: &mut Reader<'_>) {
    let key = &entry.key.value;
    let help = suggestion(key, known.iter().map(|name| plain(name)), "keys");
    reader.error(entry.key.span, format!("unknown key `{key}`")).help_if(help);
}

/// The key of a field whose Rust name is a raw identifier.
fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

#[cfg(test)]
mod tests;
