//! A JSON document of which only what is looked into is opened.
//!
//! What is not opened stays the text that it was: numbers keep all their digits, strings their escapes, objects their
//! order. An object that is opened must not have a key twice, for then nobody knows which one its reader takes.

mod cursor;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;

use serde_json::value::RawValue;

use crate::pointer::{Elements, Pointer, Step};
use cursor::Cursor;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Json<'a> {
    /// One that nobody has opened: its text.
    Text(Cow<'a, str>),
    /// An object, opened: keys without their escapes.
    Object(Vec<(Cow<'a, str>, Self)>),
    /// An array, opened.
    Array(Vec<Self>),
}

/// What is wrong with a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It is not JSON; why, without anything of its text.
    Syntax(String),
    /// It is nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// An object that was opened has a key twice.
    Duplicate,
    /// It grew beyond its bound.
    TooLarge,
    /// It has no form as `application/x-www-form-urlencoded`.
    NoForm,
}

impl<'a> Json<'a> {
    /// Reads a document; nothing of it is opened.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Fault> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if cursor::depth(text) > DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        let raw: &RawValue =
            serde_json::from_slice(text).map_err(|error| Fault::Syntax(error.to_string()))?;
        Ok(Self::Text(Cow::Borrowed(raw.get())))
    }

    /// A value of our own, from its text.
    pub(crate) fn owned(text: String) -> Self {
        Json::Text(Cow::Owned(text))
    }

    /// The text of a scalar that was not opened.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) | Self::Array(_) => None,
        }
    }

    /// Opens an object or an array; a scalar stays.
    pub(crate) fn open(&mut self) -> Result<(), Fault> {
        let Self::Text(text) = self else { return Ok(()) };
        let opened = match text {
            Cow::Borrowed(text) => split(text)?,
            Cow::Owned(text) => split(text)?.map(Json::into_owned),
        };
        if let Some(opened) = opened {
            *self = opened;
        }
        Ok(())
    }

    /// Appends the document's text.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Object(entries) => {
                out.push(b'{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_string(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Self::Array(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }

    /// Does something with each value to which the steps lead. With `make`, objects that are missing on the way are
    /// made, as far as there is room.
    pub(crate) fn each(
        &mut self,
        steps: &[Step],
        make: Option<&Growth>,
        act: &mut dyn FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Some((step, rest)) = steps.split_first() else { return act(self) };
        self.open()?;
        match self {
            Self::Text(_) => Ok(()),
            Self::Object(entries) => match at_key(entries, &step.key) {
                Some(at) => match entries.get_mut(at) {
                    Some((_, value)) => value.each(rest, make, act),
                    None => Ok(()),
                },
                None => {
                    let Some(growth) = make else { return Ok(()) };
                    growth.take(step.key.len() + MADE_BYTES)?;
                    let mut made = Json::Object(Vec::new());
                    made.each(rest, make, act)?;
                    entries.push((Cow::Owned(step.key.to_string()), made));
                    Ok(())
                }
            },
            Self::Array(items) => match step.elements {
                Elements::At(at) => match items.get_mut(at) {
                    Some(item) => item.each(rest, make, act),
                    None => Ok(()),
                },
                Elements::All => items.iter_mut().try_for_each(|item| item.each(rest, make, act)),
                Elements::End | Elements::None => Ok(()),
            },
        }
    }

    /// Does something with each object or array that holds, or could hold, the place. Nothing for the whole document.
    pub(crate) fn each_holder(
        &mut self,
        place: &Pointer,
        make: Option<&Growth>,
        act: &mut dyn FnMut(Holder<'_, 'a>, &Step) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Some((above, last)) = place.split_last() else { return Ok(()) };
        self.each(above, make, &mut |holder| {
            holder.open()?;
            match holder {
                Self::Text(_) => Ok(()),
                Self::Object(entries) => act(Holder::Object(entries), last),
                Self::Array(items) => act(Holder::Array(items), last),
            }
        })
    }

    fn into_owned(self) -> Json<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Text(text) => Json::Text(owned(text)),
            Self::Object(entries) => {
                let entry = |(key, value): (_, Self)| (owned(key), value.into_owned());
                Json::Object(entries.into_iter().map(entry).collect())
            }
            Self::Array(items) => Json::Array(items.into_iter().map(Self::into_owned).collect()),
        }
    }
}

/// How much a document may still grow, in bytes.
pub(crate) struct Growth(Cell<usize>);

impl Growth {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    pub(crate) fn take(&self, bytes: usize) -> Result<(), Fault> {
        self.0.set(self.0.get().checked_sub(bytes).ok_or(Fault::TooLarge)?);
        Ok(())
    }
}

/// What a value stands in.
pub(crate) enum Holder<'h, 'a> {
    Object(&'h mut Vec<(Cow<'a, str>, Json<'a>)>),
    Array(&'h mut Vec<Json<'a>>),
}

/// Where a key stands.
pub(crate) fn at_key(entries: &[(Cow<'_, str>, Json<'_>)], key: &str) -> Option<usize> {
    entries.iter().position(|(known, _)| known == key)
}

/// Appends a string with its quotes and escapes.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Strings are always written, and writing to a Vec does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Opens one level of an object or an array; None for a scalar. The text is known to be JSON.
fn split(text: &str) -> Result<Option<Json<'_>>, Fault> {
    let mut cursor = Cursor::new(text);
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut entries = Vec::new();
            while let Some(key) = cursor.item() {
                let value = cursor.item().unwrap_or("null");
                entries.push((unescaped(key)?, Json::Text(Cow::Borrowed(value))));
            }
            if has_duplicates(&entries) {
                return Err(Fault::Duplicate);
            }
            Ok(Some(Json::Object(entries)))
        }
        Some(b'[') => {
            let mut items = Vec::new();
            while let Some(item) = cursor.item() {
                items.push(Json::Text(Cow::Borrowed(item)));
            }
            Ok(Some(Json::Array(items)))
        }
        _ => Ok(None),
    }
}

/// The text of a string.
pub(crate) fn unescaped(string: &str) -> Result<Cow<'_, str>, Fault> {
    let inside = string.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        // Half of a surrogate pair is JSON, but no text.
        _ => match serde_json::from_str::<String>(string) {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(error) => Err(Fault::Syntax(error.to_string())),
        },
    }
}

fn has_duplicates(entries: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    if entries.len() <= FEW {
        let twice = |(at, (key, _)): (usize, &(Cow<'_, str>, _))| {
            entries.iter().take(at).any(|(before, _)| before == key)
        };
        return entries.iter().enumerate().any(twice);
    }
    let mut seen = HashSet::with_capacity(entries.len());
    entries.iter().any(|(key, _)| !seen.insert(&**key))
}

/// The deepest nesting of a document.
pub(crate) const DEPTH_MAX: usize = 100;
/// What an object that is made counts for: about what it takes in memory.
const MADE_BYTES: usize = 64;
/// So many keys are compared one by one.
const FEW: usize = 8;
/// Not allowed (RFC 8259 section 8.1), but there are those who write it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
pub(crate) mod tests;
