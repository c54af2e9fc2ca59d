//! What may be done to a JSON document.

mod build;

use std::borrow::Cow;

use portunus_exchange::Exchange;

use crate::json::{Fault, Growth, Holder, Json, at_key};
use crate::pointer::{Elements, Pointer, Step};
use crate::value::Written;

pub(crate) use build::operations;

/// One operation, compiled. A place that is not there is left alone.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Puts a value to a place, and makes the objects on the way.
    Set(Pointer, Written),
    /// As `Set`, where nothing is yet.
    Default(Pointer, Written),
    /// Takes a value away.
    Remove(Pointer),
    /// Gives a value of an object another key.
    Rename(Pointer, Box<str>),
    /// Takes a value to another place.
    Move(Pointer, Pointer),
    /// Puts a value to another place as well.
    Copy(Pointer, Pointer),
}

impl Operation {
    /// Does it.
    pub(crate) fn apply(
        &self,
        json: &mut Json<'_>,
        exchange: &Exchange,
        growth: &Growth,
    ) -> Result<(), Fault> {
        match self {
            Self::Set(place, value) => put(json, place, &value.render(exchange), true, growth),
            Self::Default(place, value) => put(json, place, &value.render(exchange), false, growth),
            Self::Remove(place) => json.each_holder(place, None, &mut |holder, last| {
                remove(holder, last);
                Ok(())
            }),
            Self::Rename(place, name) => json
                .each_holder(place, None, &mut |holder, last| rename(holder, last, name, growth)),
            Self::Move(from, to) => match take(json, from)? {
                Some(value) => put_value(json, to, value, growth),
                None => Ok(()),
            },
            Self::Copy(from, to) => match text_of(json, from)? {
                Some(text) => put(json, to, &text, true, growth),
                None => Ok(()),
            },
        }
    }
}

/// Puts a value, given as its text, to each place that the pointer means.
fn put(
    json: &mut Json<'_>,
    place: &Pointer,
    text: &str,
    replace: bool,
    growth: &Growth,
) -> Result<(), Fault> {
    if place.steps().is_empty() {
        growth.take(text.len())?;
        *json = Json::owned(text.to_owned());
        return Ok(());
    }
    json.each_holder(place, Some(growth), &mut |holder, last| {
        put_into(holder, last, replace, &mut || {
            growth.take(text.len() + last.key.len())?;
            Ok(Json::owned(text.to_owned()))
        })
    })
}

/// Puts a value that was taken out to its new place.
fn put_value<'a>(
    json: &mut Json<'a>,
    place: &Pointer,
    value: Json<'a>,
    growth: &Growth,
) -> Result<(), Fault> {
    if place.steps().is_empty() {
        *json = value;
        return Ok(());
    }
    let mut value = Some(value);
    json.each_holder(place, Some(growth), &mut |holder, last| {
        put_into(holder, last, true, &mut || {
            growth.take(last.key.len())?;
            Ok(value.take().unwrap_or_else(|| Json::owned("null".to_owned())))
        })
    })
}

/// Puts a value into what holds the place.
fn put_into<'a>(
    holder: Holder<'_, 'a>,
    last: &Step,
    replace: bool,
    value: &mut dyn FnMut() -> Result<Json<'a>, Fault>,
) -> Result<(), Fault> {
    match holder {
        Holder::Object(entries) => match entries.iter_mut().find(|(key, _)| **key == *last.key) {
            Some((_, there)) if replace => *there = value()?,
            Some(_) => {}
            None => entries.push((Cow::Owned(last.key.to_string()), value()?)),
        },
        Holder::Array(items) => match last.elements {
            Elements::End => items.push(value()?),
            Elements::At(at) if at == items.len() => items.push(value()?),
            Elements::At(at) if replace => {
                if let Some(there) = items.get_mut(at) {
                    *there = value()?;
                }
            }
            Elements::All if replace => {
                for item in items.iter_mut() {
                    *item = value()?;
                }
            }
            Elements::At(_) | Elements::All | Elements::None => {}
        },
    }
    Ok(())
}

fn remove(holder: Holder<'_, '_>, last: &Step) {
    match holder {
        Holder::Object(entries) => entries.retain(|(key, _)| **key != *last.key),
        Holder::Array(items) => match last.elements {
            Elements::At(at) if at < items.len() => drop(items.remove(at)),
            Elements::All => items.clear(),
            Elements::At(_) | Elements::End | Elements::None => {}
        },
    }
}

fn rename(holder: Holder<'_, '_>, last: &Step, name: &str, growth: &Growth) -> Result<(), Fault> {
    let Holder::Object(entries) = holder else { return Ok(()) };
    if *last.key == *name || at_key(entries, &last.key).is_none() {
        return Ok(());
    }
    growth.take(name.len())?;
    entries.retain(|(key, _)| **key != *name);
    if let Some((key, _)) = entries.iter_mut().find(|(key, _)| **key == *last.key) {
        *key = Cow::Owned(name.to_owned());
    }
    Ok(())
}

/// Takes the value at a place out of the document; of a whole document, an empty object is left.
fn take<'a>(json: &mut Json<'a>, place: &Pointer) -> Result<Option<Json<'a>>, Fault> {
    if place.steps().is_empty() {
        return Ok(Some(std::mem::replace(json, Json::Object(Vec::new()))));
    }
    let mut taken = None;
    json.each_holder(place, None, &mut |holder, last| {
        taken = match holder {
            Holder::Object(entries) => at_key(entries, &last.key).map(|at| entries.remove(at).1),
            Holder::Array(items) => match last.elements {
                Elements::At(at) if at < items.len() => Some(items.remove(at)),
                _ => None,
            },
        };
        Ok(())
    })?;
    Ok(taken)
}

/// The text of the value at a place.
fn text_of(json: &mut Json<'_>, place: &Pointer) -> Result<Option<String>, Fault> {
    let mut found = None;
    json.each(place.steps(), None, &mut |value| {
        let mut text = Vec::new();
        value.write(&mut text);
        found = String::from_utf8(text).ok();
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
