//! What a filter is given when it is built, off the data path.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use portunus_base::UpstreamId;
use portunus_exchange::Template;
use portunus_spec::{Node, Reader, Span, Spanned, Value, suggestion};
use portunus_telemetry::DecisionId;

use crate::{Background, Factory, Link, Services, Stores};

/// Names the per-worker state of one built filter. Kept when a reload keeps the filter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SlotId(u32);

impl SlotId {
    /// The slot as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Hands out slots.
#[derive(Debug, Default)]
pub struct Slots {
    next: u32,
}

impl Slots {
    /// A slot that no other filter has.
    pub fn take(&mut self) -> SlotId {
        self.next += 1;
        SlotId(self.next - 1)
    }

    /// The index of the next one.
    #[must_use]
    pub fn next_index(&self) -> usize {
        self.next as usize
    }
}

/// The slots of the filters that are in force.
#[derive(Clone, Debug, Default)]
pub struct LiveSlots(Box<[Range<usize>]>);

impl LiveSlots {
    /// Those with an index in one of the ranges.
    #[must_use]
    pub fn new(mut ranges: Vec<Range<usize>>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        ranges.dedup();
        Self(ranges.into())
    }

    /// Whether the slot of that index is one of a filter in force.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        // Filters are built one after the other, so ranges are the same or apart.
        let after = self.0.partition_point(|range| range.start <= index);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|it| it.contains(&index))
    }
}

/// Turns what a user wrote after `to:` into an upstream.
pub trait UpstreamNames {
    /// The upstream of that name, or one made for the URL. None, with a diagnostic, when it is neither.
    fn upstream(&mut self, to: &Spanned<String>, reader: &mut Reader<'_>) -> Option<UpstreamId>;
}

/// What a filter is given when it is built.
pub struct BuildCx<'a, 'r> {
    /// Where mistakes go.
    pub reader: &'a mut Reader<'r>,
    /// Where the filter stands, for mistakes that belong to no single key. [`crate::Factory`] sets it.
    pub span: Span,
    /// The filter's name. [`crate::Factory`] sets it.
    pub name: &'static str,
    /// The list that the filter stands in: the path of a `use` or of a chain.
    pub scope: &'a str,
    /// Named parts of the route's path, for templates.
    pub params: &'a [&'a str],
    /// Upstreams by name.
    pub upstreams: &'a mut dyn UpstreamNames,
    /// Slots for per-worker state.
    pub slots: &'a mut Slots,
    /// What filters share.
    pub services: &'a Services,
    /// The stores that several nodes share.
    pub stores: &'a Stores,
    /// All filters, for those made of others.
    pub registry: &'static [Factory],
    /// Work that is done while the filter is in force.
    pub tasks: &'a mut Vec<Arc<dyn Background>>,
}

impl BuildCx<'_, '_> {
    /// The upstream that `to` names.
    pub fn upstream(&mut self, to: &Spanned<String>) -> Option<UpstreamId> {
        self.upstreams.upstream(to, self.reader)
    }

    /// Compiles a text with variables; mistakes become diagnostics at its place.
    pub fn template(&mut self, text: &Spanned<String>) -> Option<Template> {
        match Template::compile(&text.value, self.params) {
            Ok(template) => Some(template),
            Err(fault) => {
                self.reader.error(text.span, fault.message).help_if(fault.help);
                None
            }
        }
    }

    /// State that outlives this filter: the same one under the same key, as long as somebody holds it. A reload that
    /// builds the filter anew finds what the old one knew.
    pub fn state<T: Any + Send + Sync>(&self, key: &str, make: impl FnOnce() -> T) -> Arc<T> {
        self.services.state(key, make)
    }

    /// Has work done while the filter is in force: once, however many filters hand in the same one.
    pub fn background(&mut self, task: Arc<dyn Background>) {
        self.tasks.push(task);
    }

    /// A decision that the filter will count, by a word such as `limited`.
    pub fn decision(&mut self, word: &str) -> DecisionId {
        self.services.metrics.decision(self.scope, &format!("{}.{word}", self.name))
    }

    /// Builds a filter that stands within this one: `{jwt: {...}}`, or a bare name.
    pub fn filter(&mut self, written: &Spanned<Node>) -> Option<Link> {
        let (name, node) = match &written.value.value {
            Value::Map(entries) => match entries.as_slice() {
                [only] => (only.key.value.clone(), only.value.clone()),
                _ => return self.no_filter(written),
            },
            _ => match written.value.scalar() {
                Some(name) => (name.into_owned(), Node::default()),
                None => return self.no_filter(written),
            },
        };
        let Some(factory) = self.registry.iter().find(|factory| factory.name == name) else {
            let names = self.registry.iter().map(|factory| factory.name);
            let help = suggestion(&name, names, "filters");
            let error = self.reader.error(written.span, format!("there is no filter `{name}`"));
            error.help_if(help);
            return None;
        };
        let (outer, span) = (self.name, self.span);
        let filter = (factory.build)(&node, self);
        (self.name, self.span) = (outer, span);
        let filter = filter?;
        let interest = filter.interest();
        Some(Link { name: factory.name, filter, interest })
    }

    fn no_filter(&mut self, written: &Spanned<Node>) -> Option<Link> {
        let error = self.reader.error(written.span, "expected one filter");
        error.help("write its name, or a map with its name alone: `{api_key: {}}`");
        None
    }

    /// A slot for per-worker state.
    pub fn slot(&mut self) -> SlotId {
        self.slots.take()
    }
}
