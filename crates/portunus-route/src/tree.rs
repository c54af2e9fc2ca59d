//! The tree of a host's paths, one level for each segment.

use std::ops::ControlFlow;

use crate::byte_map::ByteMap;
use crate::path::{Segment, split_segment};
use crate::rule::Rule;

/// Who looks at the leaves that a path reaches.
pub(crate) trait Visit<'r> {
    /// Called for each node.
    fn step(&mut self);

    /// The rules of one path that matches; to break ends the walk.
    fn rules(&mut self, rules: &'r [Rule]) -> ControlFlow<()>;
}

/// What may follow after some segments.
#[derive(Debug, Default)]
pub(crate) struct Node {
    literals: ByteMap<Self>,
    param: Option<Box<Self>>,
    /// Rules of the path that ends here.
    complete: Vec<Rule>,
    /// Rules of the path with `**` from here on.
    rest: Vec<Rule>,
}

impl Node {
    pub(crate) fn insert(&mut self, segments: &[Segment], rest: bool, rule: Rule) {
        let Some((first, tail)) = segments.split_first() else {
            let leaf = if rest { &mut self.rest } else { &mut self.complete };
            leaf.push(rule);
            return;
        };
        let child = match first {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default(),
            Segment::Param(_) => self.param.get_or_insert_default(),
        };
        child.insert(tail, rest, rule);
    }

    /// Shows the leaves that match, the most specific first: before all the literal, then `{name}`,
    /// then `**`. `tail` is the path after the `/` behind this node, if there is one.
    ///
    /// Each node is visited at most once, and the depth is that of the deepest pattern.
    pub(crate) fn walk<'r>(
        &'r self,
        tail: Option<&[u8]>,
        visit: &mut impl Visit<'r>,
    ) -> ControlFlow<()> {
        visit.step();
        match tail {
            None => leaf(&self.complete, visit)?,
            Some(text) => self.descend(text, visit)?,
        }
        leaf(&self.rest, visit)
    }

    fn descend<'r>(&'r self, text: &[u8], visit: &mut impl Visit<'r>) -> ControlFlow<()> {
        if self.literals.is_empty() && self.param.is_none() {
            return ControlFlow::Continue(());
        }
        let (segment, tail) = split_segment(text);
        if let Some(child) = self.literals.get(segment) {
            child.walk(tail, visit)?;
        }
        match &self.param {
            Some(child) if !segment.is_empty() => child.walk(tail, visit),
            _ => ControlFlow::Continue(()),
        }
    }

    /// The most nodes that one walk can visit: of the literals at most one is followed.
    pub(crate) fn visits_max(&self) -> usize {
        let literal = self.literals.values().map(Self::visits_max).max().unwrap_or(0);
        1 + literal + self.param.as_deref().map_or(0, Self::visits_max)
    }

    /// Every leaf, in no order.
    pub(crate) fn each_leaf<'r>(&'r self, look: &mut impl FnMut(&'r [Rule])) {
        look(&self.complete);
        look(&self.rest);
        self.literals.values().for_each(|child| child.each_leaf(look));
        self.param.iter().for_each(|child| child.each_leaf(look));
    }

    /// Puts each leaf in the order in which its rules are tried.
    pub(crate) fn sort(&mut self) {
        self.complete.sort_by(Rule::order);
        self.rest.sort_by(Rule::order);
        self.literals.values_mut().for_each(Self::sort);
        self.param.iter_mut().for_each(|child| child.sort());
    }
}

fn leaf<'r>(rules: &'r [Rule], visit: &mut impl Visit<'r>) -> ControlFlow<()> {
    if rules.is_empty() { ControlFlow::Continue(()) } else { visit.rules(rules) }
}
