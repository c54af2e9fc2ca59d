//! From `use` to chains: named chains in place of their names, host before route, the route's own answer last.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use portunus_config::ConfigSpec;
use portunus_config::spec::UseSpec;
use portunus_filter::{Factory, Link, Stores};
use portunus_spec::{Node, Reader, Span, Spanned, Value};

use crate::Inputs;
use crate::filters::{BuiltFilters, Filters, Written};
use crate::upstream::Upstreams;

/// Turns lists of filters into chains.
pub(crate) struct Chains<'a> {
    spec: &'a ConfigSpec,
    factories: &'static [Factory],
    filters: Filters<'a>,
    /// Named chains, as places of their filters.
    named: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Chains<'a> {
    /// Reads the named chains. Names that stand for nothing are reported by the caller, chains within themselves by
    /// the loader.
    pub(crate) fn read(inputs: &Inputs<'a>, stores: &'a Stores, reader: &mut Reader<'_>) -> Self {
        let (spec, factories) = (inputs.spec, inputs.registries.filters);
        let filters = Filters::new(inputs, stores);
        let chains = Self { spec, factories, filters, named: HashMap::new() };
        reader.key("filters", |reader| {
            for (name, _) in &spec.filters {
                if chains.factory(name).is_some() {
                    let message = format!("`{}` is the name of a filter", name.value);
                    reader.error(name.span, message).help("give the chain another name");
                }
            }
        });
        chains
    }

    /// The places of the filters of a `use` that stands at `path`.
    pub(crate) fn places(&mut self, uses: &'a [UseSpec], path: &str) -> Vec<usize> {
        let scope: Arc<str> = Arc::from(path);
        let mut places = Vec::with_capacity(uses.len());
        for (index, filter) in uses.iter().enumerate() {
            if let Some(chain) = self.chain(&filter.name) {
                places.extend(chain);
            } else if let Some(factory) = self.factory(&filter.name) {
                let path = format!("{path}[{index}].{}", factory.name);
                let node = settings(&filter.name, &filter.node);
                let span = filter.name.span;
                places.push(self.filters.add(Written {
                    span,
                    scope: scope.clone(),
                    path,
                    factory,
                    node,
                }));
            }
        }
        places
    }

    /// The place of the filter that a key of a route stands for: `redirect` or `respond`.
    pub(crate) fn answer(
        &mut self,
        name: &'static str,
        node: &'a Node,
        path: &str,
        reader: &mut Reader<'_>,
    ) -> Option<usize> {
        let Some(factory) = self.factory(name) else {
            reader.error(node.span, format!("this program has no filter `{name}`"));
            return None;
        };
        let (scope, path) = (Arc::from(path), format!("{path}.{name}"));
        let (span, node) = (node.span, Cow::Borrowed(node));
        Some(self.filters.add(Written { scope, path, factory, span, node }))
    }

    /// The place of a filter that a key of a host stands for.
    pub(crate) fn implied(
        &mut self,
        name: &'static str,
        (span, node): (Span, Node),
        path: &str,
    ) -> Option<usize> {
        let factory = self.factory(name)?;
        let (scope, path) = (Arc::from(path), format!("{path}.{name}"));
        Some(self.filters.add(Written { scope, path, factory, span, node: Cow::Owned(node) }))
    }

    /// The filters of places, for a route whose path has these named parts. `None` after mistakes, all of which are
    /// reported.
    pub(crate) fn links(
        &mut self,
        places: &[usize],
        params: &[&str],
        upstreams: &mut Upstreams<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Vec<Link>> {
        let link = |place: &usize| self.filters.link(*place, params, upstreams, reader);
        let links: Vec<Option<Link>> = places.iter().map(link).collect();
        links.into_iter().collect()
    }

    /// Where the filter of a place is written.
    pub(crate) fn span(&self, place: usize) -> Span {
        self.filters.span(place)
    }

    /// Reports what is wrong with chains that no route uses, as far as that can be seen without a route.
    pub(crate) fn check_unused(&mut self, reader: &mut Reader<'_>) {
        for (name, _) in &self.spec.filters {
            if !self.named.contains_key(name.as_str()) {
                let places = self.chain(name).unwrap_or_default();
                places.into_iter().for_each(|place| self.filters.check(place, reader));
            }
        }
    }

    pub(crate) fn finish(self) -> BuiltFilters {
        self.filters.finish()
    }

    /// The places of a named chain; `None` where the name is none.
    fn chain(&mut self, name: &str) -> Option<Vec<usize>> {
        let (name, uses) = self.spec.filters.iter().find(|(chain, _)| chain.value == name)?;
        if let Some(places) = self.named.get(name.as_str()) {
            return Some(places.clone());
        }
        // A chain within itself ends here, empty.
        self.named.insert(name, Vec::new());
        let places = self.places(uses, &format!("filters.{}", name.value));
        self.named.insert(name, places.clone());
        Some(places)
    }

    fn factory(&self, name: &str) -> Option<&'static Factory> {
        self.factories.iter().find(|factory| factory.name == name)
    }
}

/// The settings of a filter. Of a bare name there are none, and its mistakes are those of the name.
fn settings<'s>(name: &Spanned<String>, node: &'s Node) -> Cow<'s, Node> {
    match node.span.is_none() && node.value == Value::Null {
        true => Cow::Owned(Node::new(name.span, Value::Null)),
        false => Cow::Borrowed(node),
    }
}
