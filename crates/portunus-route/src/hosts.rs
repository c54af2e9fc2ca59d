//! The table of hosts, and what one host has.

use std::ops::ControlFlow;

use portunus_base::ListenerId;

use crate::byte_map::ByteMap;
use crate::path::Kind;
use crate::rule::Rule;
use crate::tree::{Node, Visit};
use crate::{Condition, Event, HostPattern, Recorder, TextRegex};

/// All hosts, by the three ways to write one.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    exact: ByteMap<HostTable>,
    /// By suffix, without `*.`.
    wildcard: ByteMap<HostTable>,
    any: Option<HostTable>,
    /// The longest suffix of a wildcard, in bytes: longer ones need no probe.
    suffix_bytes_max: usize,
}

/// The rules of one host.
#[derive(Debug)]
pub(crate) struct HostTable {
    pattern: HostPattern,
    /// The listeners that have a rule here; `None` when there is a rule for all of them.
    listeners: Option<Vec<ListenerId>>,
    tree: Node,
    regexes: Vec<RegexLeaf>,
}

/// The rules of one regex.
#[derive(Debug)]
struct RegexLeaf {
    regex: TextRegex,
    rules: Vec<Rule>,
}

impl Hosts {
    /// The rules of `pattern`, new when there are none.
    pub(crate) fn entry(&mut self, pattern: HostPattern) -> &mut HostTable {
        match &pattern {
            HostPattern::Any => self.any.get_or_insert_with(|| HostTable::new(pattern)),
            HostPattern::Exact(name) => {
                let key = name.as_bytes().into();
                self.exact.entry(key).or_insert_with(|| HostTable::new(pattern))
            }
            HostPattern::Wildcard(suffix) => {
                self.suffix_bytes_max = self.suffix_bytes_max.max(suffix.len());
                let key = suffix.as_bytes().into();
                self.wildcard.entry(key).or_insert_with(|| HostTable::new(pattern))
            }
        }
    }

    /// The most specific host for a request, among those that the listener serves.
    pub(crate) fn find<R: Recorder>(
        &self,
        host: &[u8],
        listener: ListenerId,
        recorder: &mut R,
    ) -> Option<&HostTable> {
        recorder.step();
        if let Some(table) = self.exact.get(host).filter(|table| table.serves(listener, recorder)) {
            return Some(table);
        }
        let mut labels = if self.wildcard.is_empty() { None } else { parent(host) };
        while let Some(suffix) = labels {
            labels = parent(suffix);
            if suffix.len() > self.suffix_bytes_max {
                continue;
            }
            recorder.step();
            let table = self.wildcard.get(suffix);
            if let Some(table) = table.filter(|table| table.serves(listener, recorder)) {
                return Some(table);
            }
        }
        self.any.as_ref().filter(|table| table.serves(listener, recorder))
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &HostTable> {
        self.exact.values().chain(self.wildcard.values()).chain(&self.any)
    }

    /// Puts all into the order of trial, once all rules are there.
    pub(crate) fn sort(&mut self) {
        let tables = self.exact.values_mut().chain(self.wildcard.values_mut());
        tables.chain(&mut self.any).for_each(HostTable::sort);
    }
}

impl HostTable {
    fn new(pattern: HostPattern) -> Self {
        let listeners = Some(Vec::new());
        Self { pattern, listeners, tree: Node::default(), regexes: Vec::new() }
    }

    pub(crate) fn insert(&mut self, rule: Rule) {
        self.serve(&rule);
        match rule.path.kind().clone() {
            Kind::Segments { segments, rest } => self.tree.insert(&segments, rest, rule),
            Kind::Regex(regex) => match self.regexes.iter_mut().find(|leaf| leaf.regex == regex) {
                Some(leaf) => leaf.rules.push(rule),
                None => self.regexes.push(RegexLeaf { regex, rules: vec![rule] }),
            },
        }
    }

    /// Shows all rules whose path matches: those of the tree, then the regexes by written order.
    pub(crate) fn walk<'r>(&'r self, path: &[u8], visit: &mut impl Visit<'r>) -> ControlFlow<()> {
        self.tree.walk(path.strip_prefix(b"/"), visit)?;
        for leaf in &self.regexes {
            visit.step();
            if leaf.regex.is_match(path) {
                visit.rules(&leaf.rules)?;
            }
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn visits_max(&self) -> usize {
        self.tree.visits_max() + self.regexes.len()
    }

    /// Every group of rules that have one path.
    pub(crate) fn each_leaf<'r>(&'r self, mut look: impl FnMut(&'r [Rule])) {
        self.tree.each_leaf(&mut look);
        self.regexes.iter().for_each(|leaf| look(&leaf.rules));
    }

    fn serves<R: Recorder>(&self, listener: ListenerId, recorder: &mut R) -> bool {
        let serves = self.listeners.as_ref().is_none_or(|served| served.contains(&listener));
        let host = || self.pattern.clone();
        recorder.record(|| match serves {
            true => Event::Host { host: host() },
            false => Event::HostElsewhere { host: host() },
        });
        serves
    }

    /// Notes the listeners of a rule.
    fn serve(&mut self, rule: &Rule) {
        let condition = rule.conditions.iter().find_map(|condition| match condition {
            Condition::Listeners(listeners) => Some(listeners),
            _ => None,
        });
        match (condition, &mut self.listeners) {
            (Some(more), Some(served)) => served.extend(more),
            (None, served) => *served = None,
            (Some(_), None) => {}
        }
    }

    fn sort(&mut self) {
        self.tree.sort();
        self.regexes.iter_mut().for_each(|leaf| leaf.rules.sort_by(Rule::order));
        self.regexes.sort_by_key(|leaf| leaf.rules.iter().map(|rule| rule.id).min());
    }
}

/// The host without its first label.
fn parent(host: &[u8]) -> Option<&[u8]> {
    let dot = host.iter().position(|byte| *byte == b'.')?;
    host.get(dot + 1..)
}
