//! What differs between two results, for the log of a reload.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use portunus_snapshot::{ListenerPlan, Route};

use crate::route::{RouteRecord, same_route};
use crate::{Compiled, KnownConsumer, ListenerBinding, UpstreamSource};

/// What differs between two results.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Change {
    /// Listeners, by name.
    pub listeners: Changed,
    /// Routes, by name: host and path.
    pub routes: Changed,
    /// Upstreams, by name or URL.
    pub upstreams: Changed,
    /// Consumers, by name.
    pub consumers: Changed,
}

/// What differs in one kind of thing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changed {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// Names that stand for something else now.
    pub changed: Vec<String>,
    /// How many are the same.
    pub kept: usize,
}

/// What is different in `new`, which was compiled with `old` as the previous result; everything is added when there
/// is no `old`.
#[must_use]
pub fn difference(old: Option<&Compiled>, new: &Compiled) -> Change {
    let old = |names: fn(&Compiled) -> Vec<(&str, Thing<'_>)>| old.map(names).unwrap_or_default();
    Change {
        listeners: compare(old(listeners), listeners(new)),
        routes: compare(old(routes), routes(new)),
        upstreams: compare(old(upstreams), upstreams(new)),
        consumers: compare(old(consumers), consumers(new)),
    }
}

impl Change {
    /// True when everything is the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { listeners, routes, upstreams, consumers } = self;
        [listeners, routes, upstreams, consumers].into_iter().all(Changed::is_empty)
    }
}

impl Changed {
    /// True when everything is the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// One line for each kind of thing; for consumers only where something is different.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listeners: {}\nroutes: {}\n", self.listeners, self.routes)?;
        write!(f, "upstreams: {}", self.upstreams)?;
        match self.consumers.is_empty() {
            true => Ok(()),
            false => write!(f, "\nconsumers: {}", self.consumers),
        }
    }
}

/// On one line: `1 added (a), 2 changed (b, c), 7 kept`.
impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [("added", &self.added), ("removed", &self.removed), ("changed", &self.changed)];
        for (word, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "{} {word} ({}", names.len(), names.first().map_or("", String::as_str))?;
            for name in names.iter().take(NAMES_SHOWN).skip(1) {
                write!(f, ", {name}")?;
            }
            let more = names.len().saturating_sub(NAMES_SHOWN);
            f.write_str(if more > 0 { ", …), " } else { "), " })?;
        }
        write!(f, "{} kept", self.kept)
    }
}

/// What is compared under a name.
#[derive(Clone, Copy)]
enum Thing<'c> {
    Listener(&'c ListenerBinding, Option<&'c Arc<ListenerPlan>>),
    Route(&'c RouteRecord, &'c Route),
    Upstream(&'c UpstreamSource),
    Consumer(&'c KnownConsumer),
}

impl Thing<'_> {
    fn is(self, new: Self) -> bool {
        match (self, new) {
            (Self::Listener(old, old_plan), Self::Listener(new, new_plan)) => {
                let plans = old_plan.zip(new_plan);
                old == new && plans.is_some_and(|(old, new)| Arc::ptr_eq(old, new))
            }
            (Self::Route(old_record, old), Self::Route(new_record, new)) => {
                old_record == new_record && same_route(old, new)
            }
            (Self::Upstream(old), Self::Upstream(new)) => old.is(new),
            (Self::Consumer(old), Self::Consumer(new)) => old.is(new),
            _ => false,
        }
    }
}

fn listeners(compiled: &Compiled) -> Vec<(&str, Thing<'_>)> {
    let plan = |binding: &ListenerBinding| compiled.snapshot.listener(binding.id);
    let thing = |binding| Thing::Listener(binding, plan(binding));
    compiled.listeners.iter().map(|binding| (&*binding.name, thing(binding))).collect()
}

fn routes(compiled: &Compiled) -> Vec<(&str, Thing<'_>)> {
    let pairs = compiled.routes.iter().zip(&compiled.snapshot.routes);
    pairs.map(|(record, route)| (&*record.name, Thing::Route(record, route))).collect()
}

fn upstreams(compiled: &Compiled) -> Vec<(&str, Thing<'_>)> {
    let upstreams = compiled.upstreams.iter();
    upstreams.map(|source| (&*source.upstream.plan.name, Thing::Upstream(source))).collect()
}

fn consumers(compiled: &Compiled) -> Vec<(&str, Thing<'_>)> {
    let known = compiled.consumers.consumers.iter();
    known.map(|known| (&*known.consumer.name, Thing::Consumer(known))).collect()
}

fn compare(old: Vec<(&str, Thing<'_>)>, new: Vec<(&str, Thing<'_>)>) -> Changed {
    let mut left: HashMap<&str, Thing<'_>> = old.iter().copied().collect();
    let mut changed = Changed::default();
    for (name, thing) in new {
        match left.remove(name) {
            None => changed.added.push(name.to_owned()),
            Some(old) if old.is(thing) => changed.kept += 1,
            Some(_) => changed.changed.push(name.to_owned()),
        }
    }
    let removed = old.into_iter().filter(|(name, _)| left.contains_key(name));
    changed.removed = removed.map(|(name, _)| name.to_owned()).collect();
    changed
}

/// Names of a list that are shown; the others are only counted.
const NAMES_SHOWN: usize = 5;

#[cfg(test)]
mod tests;
