//! Building filters: each one once, and not at all where a reload would build the same.
//!
//! What tells two filters apart is where they are written, what is written, and which named parts of the route's path
//! they use. So the filters of a host and of a named chain are shared by its routes, as far as they do not use parts
//! of the path, and two routes that say the same still have filters of their own.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use portunus_base::UpstreamId;
use portunus_filter::{
    Background, BuildCx, Factory, Link, LiveSlots, Services, Slots, Stores, UpstreamNames,
};
use portunus_spec::{Lookup, Node, Reader, Span, Spanned, yaml};

use crate::readings::{Readings, Recorded};
use crate::upstream::Upstreams;
use crate::{Compiled, Inputs};

/// A filter where it is written.
pub(crate) struct Written<'s> {
    /// Which list it stands in: the path of a `use` or of a chain.
    pub(crate) scope: Arc<str>,
    /// Its own path, for messages.
    pub(crate) path: String,
    pub(crate) factory: &'static Factory,
    /// Where its name stands.
    pub(crate) span: Span,
    /// What is written for it.
    pub(crate) node: std::borrow::Cow<'s, Node>,
}

/// The filters of a configuration.
pub(crate) struct Filters<'a> {
    parts: Parts<'a>,
    previous: Option<&'a BuiltFilters>,
    written: Vec<Place<'a>>,
    built: HashMap<Key, Built>,
    slots: Slots,
    /// The slots of the filters that routes have: one that is written twice has slots of its own in each place.
    live: Vec<Range<usize>>,
}

/// What each filter is built with.
#[derive(Clone, Copy)]
struct Parts<'a> {
    lookup: &'a dyn Lookup,
    services: &'a Services,
    stores: &'a Stores,
    registry: &'static [Factory],
}

/// Built filters, kept for the next configuration.
#[derive(Debug, Default)]
pub(crate) struct BuiltFilters {
    by_key: HashMap<Key, Built>,
    /// Slots that were handed out, those of filters that are gone included: workers still hold their state.
    slots: usize,
    live: LiveSlots,
    stores: Stores,
}

/// A place where a filter is written, with the forms of it that routes needed so far.
struct Place<'s> {
    written: Written<'s>,
    text: Arc<str>,
    /// By the named parts of the path that it uses. `None` after mistakes, which are reported once.
    forms: Vec<(Box<[String]>, Option<Link>)>,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Key {
    scope: Arc<str>,
    name: &'static str,
    text: Arc<str>,
    params: Box<[String]>,
}

/// A built filter and what it was built from beside its key.
struct Built {
    link: Link,
    readings: Arc<Readings>,
    upstreams: Arc<[(Spanned<String>, UpstreamId)]>,
    tasks: Arc<[Arc<dyn Background>]>,
    /// The slots of it and of the filters within it.
    slots: Range<usize>,
    warned: bool,
}

impl<'a> Filters<'a> {
    pub(crate) fn new(inputs: &Inputs<'a>, stores: &'a Stores) -> Self {
        let previous = inputs.previous.map(|compiled: &Compiled| &compiled.filters);
        // With other stores a filter is another one, whatever is written for it.
        let kept = previous.filter(|before| before.stores == *stores);
        let mut slots = Slots::default();
        for _ in 0..previous.map_or(0, |before| before.slots) {
            slots.take();
        }
        let (written, built) = (Vec::new(), HashMap::new());
        let parts = Parts {
            lookup: inputs.lookup,
            services: inputs.services,
            stores,
            registry: inputs.registries.filters,
        };
        Self { parts, previous: kept, written, built, slots, live: Vec::new() }
    }

    /// Notes a filter; what is returned stands for it in [`Filters::link`].
    pub(crate) fn add(&mut self, written: Written<'a>) -> usize {
        let text = Arc::from(yaml::inline(&written.node));
        self.written.push(Place { written, text, forms: Vec::new() });
        self.written.len() - 1
    }

    /// The filter of a place for a route whose path has these named parts. `None` after mistakes.
    pub(crate) fn link(
        &mut self,
        place: usize,
        params: &[&str],
        upstreams: &mut Upstreams<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Link> {
        let Self { parts, previous, written, built, slots, live } = self;
        let place = written.get_mut(place)?;
        let used: Vec<&str> = params.iter().copied().filter(|name| place.mentions(name)).collect();
        if let Some((_, link)) = place.forms.iter().find(|(names, _)| **names == *used) {
            return link.clone();
        }
        let key = place.key(&used);
        let before = previous.and_then(|previous| previous.by_key.get(&key));
        let kept = before.filter(|before| before.still_holds(parts.lookup, upstreams));
        let made = match kept {
            Some(kept) if !kept.warned => Some(kept.clone()),
            Some(kept) => {
                // The user should hear of the warning again, but the filter stays the one that it was.
                let mut spare = Slots::default();
                build(&place.written, params, *parts, upstreams, &mut spare, reader);
                Some(kept.clone())
            }
            None => build(&place.written, params, *parts, upstreams, slots, reader),
        };
        let link = made.as_ref().map(|made| made.link.clone());
        place.forms.push((key.params.clone(), link.clone()));
        live.extend(made.as_ref().map(|made| made.slots.clone()));
        built.extend(made.map(|made| (key, made)));
        link
    }

    /// Reports mistakes in what is written, without building it: nobody knows a route for it.
    pub(crate) fn check(&self, place: usize, reader: &mut Reader<'_>) {
        let Some(Place { written, .. }) = self.written.get(place) else { return };
        let mut inner = Reader::at(self.parts.lookup, written.path.as_str());
        (written.factory.normal)(&written.node, &mut inner);
        reader.append(inner.finish());
    }

    /// Where a filter is written.
    pub(crate) fn span(&self, place: usize) -> Span {
        self.written.get(place).map_or(Span::NONE, |place| place.written.span)
    }

    pub(crate) fn finish(self) -> BuiltFilters {
        let stores = self.parts.stores.clone();
        let (slots, live) = (self.slots.next_index(), LiveSlots::new(self.live));
        BuiltFilters { by_key: self.built, slots, live, stores }
    }
}

impl BuiltFilters {
    /// The work that filters want done while they are in force.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Arc<dyn Background>> {
        self.by_key.values().flat_map(|built| &*built.tasks)
    }

    /// The slots of all of them.
    pub(crate) fn live_slots(&self) -> LiveSlots {
        self.live.clone()
    }
}

impl Place<'_> {
    /// Whether the filter's text uses a named part of the path. No other text of a filter is a template.
    fn mentions(&self, name: &str) -> bool {
        let mut rest = &*self.text;
        while let Some((_, after)) = rest.split_once('{') {
            if after.strip_prefix(name).is_some_and(|tail| tail.starts_with('}')) {
                return true;
            }
            rest = after;
        }
        false
    }

    fn key(&self, params: &[&str]) -> Key {
        Key {
            scope: Arc::clone(&self.written.scope),
            name: self.written.factory.name,
            text: Arc::clone(&self.text),
            params: params.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl Built {
    /// Whether building it now would give the same: files, variables and upstreams are what they were.
    fn still_holds(&self, lookup: &dyn Lookup, upstreams: &mut Upstreams<'_>) -> bool {
        let mut quiet = Reader::new(lookup);
        self.readings.still_hold(lookup)
            && self.upstreams.iter().all(|(to, id)| upstreams.upstream(to, &mut quiet) == Some(*id))
    }
}

impl Clone for Built {
    fn clone(&self) -> Self {
        Self {
            link: self.link.clone(),
            readings: Arc::clone(&self.readings),
            upstreams: Arc::clone(&self.upstreams),
            tasks: Arc::clone(&self.tasks),
            slots: self.slots.clone(),
            warned: self.warned,
        }
    }
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.link.name)
    }
}

fn build(
    written: &Written<'_>,
    params: &[&str],
    parts: Parts<'_>,
    upstreams: &mut Upstreams<'_>,
    slots: &mut Slots,
    reader: &mut Reader<'_>,
) -> Option<Built> {
    let lookup = Recorded::new(parts.lookup);
    let mut tasks = Vec::new();
    let first_slot = slots.next_index();
    let mut names = RecordedNames { upstreams, asked: Vec::new() };
    let mut inner = Reader::at(&lookup, written.path.as_str());
    let mut cx = BuildCx {
        reader: &mut inner,
        span: written.node.span,
        name: written.factory.name,
        scope: &written.scope,
        params,
        upstreams: &mut names,
        slots,
        services: parts.services,
        stores: parts.stores,
        registry: parts.registry,
        tasks: &mut tasks,
    };
    let filter = (written.factory.build)(&written.node, &mut cx);
    let found = inner.finish();
    let warned = !found.is_empty();
    reader.append(found);
    let filter = filter?;
    let interest = filter.interest();
    Some(Built {
        link: Link { name: written.factory.name, filter, interest },
        upstreams: names.asked.into(),
        readings: Arc::new(lookup.finish()),
        tasks: tasks.into(),
        slots: first_slot..slots.next_index(),
        warned,
    })
}

/// Remembers which upstreams a filter asked for.
struct RecordedNames<'u, 'a> {
    upstreams: &'u mut Upstreams<'a>,
    asked: Vec<(Spanned<String>, UpstreamId)>,
}

impl UpstreamNames for RecordedNames<'_, '_> {
    fn upstream(&mut self, to: &Spanned<String>, reader: &mut Reader<'_>) -> Option<UpstreamId> {
        let id = self.upstreams.upstream(to, reader)?;
        self.asked.push((to.clone(), id));
        Some(id)
    }
}
