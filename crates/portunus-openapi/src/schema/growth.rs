//! How the work of describing a value grows with its depth.
//!
//! Whether a value fits is found in one pass, however a schema refers to itself. All that is wrong with it is not: a
//! schema that holds a value against itself in two ways, as two forms of a choice, does so at each level, and with ten
//! levels there are a thousand ways. What a client sends decides how many levels there are. So for such schemas only
//! shallow values are described.

mod circles;

use std::collections::HashMap;

use serde_json::Value;

use crate::pointer;
use circles::Circles;

/// Down to which depth values are described, by schema. `None`: as deep as they are.
pub(super) fn depths(root: &Value, pointers: &[String]) -> Vec<Option<usize>> {
    let mut graph = Graph { root, nodes: Vec::new(), places: HashMap::new() };
    let starts: Vec<Option<usize>> = pointers
        .iter()
        .map(|pointer| root.pointer(pointer).map(|schema| graph.node(schema)))
        .collect();
    graph.fill();
    let ways = graph.ways();
    let depth = |start: Option<usize>| {
        let ways = *ways.get(start?)?;
        (ways > 1).then(|| WAYS_MAX.ilog(ways.max(2)) as usize)
    };
    starts.into_iter().map(depth).collect()
}

/// Whether a value is nested no deeper than so many levels.
pub(super) fn is_within(value: &Value, depth: usize) -> bool {
    let mut stack = vec![(value, depth)];
    while let Some((value, left)) = stack.pop() {
        let Some(left) = left.checked_sub(1) else {
            if matches!(value, Value::Array(_) | Value::Object(_)) {
                return false;
            }
            continue;
        };
        match value {
            Value::Array(items) => stack.extend(items.iter().map(|item| (item, left))),
            Value::Object(map) => stack.extend(map.values().map(|item| (item, left))),
            _ => {}
        }
    }
    true
}

/// Schemas, and which others they hold a value, or a part of it, against.
struct Graph<'v> {
    root: &'v Value,
    nodes: Vec<Node<'v>>,
    places: HashMap<*const Value, usize>,
}

struct Node<'v> {
    schema: &'v Value,
    edges: Vec<Edge>,
}

/// One schema that a value is held against, with the group of those of which only one can matter.
#[derive(Clone, Copy)]
struct Edge {
    to: usize,
    group: Group,
}

/// Edges of one group exclude each other: they are for values of other types, for other keys, or for other values of
/// a discriminator.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Group {
    /// Matters for lists, beside all others.
    List(usize),
    /// Matters for maps, beside all others.
    Map(usize),
    /// Matters for any value, beside all others.
    Any(usize),
    /// One of the cases of a discriminator.
    Case,
}

impl<'v> Graph<'v> {
    fn node(&mut self, schema: &'v Value) -> usize {
        let next = self.nodes.len();
        let index = *self.places.entry(std::ptr::from_ref(schema)).or_insert(next);
        if index == next {
            self.nodes.push(Node { schema, edges: Vec::new() });
        }
        index
    }

    fn fill(&mut self) {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let edges = self.edges(node.schema);
            if let Some(node) = self.nodes.get_mut(at) {
                node.edges = edges;
            }
            at += 1;
        }
    }

    fn edges(&mut self, schema: &'v Value) -> Vec<Edge> {
        let Some(map) = schema.as_object() else { return Vec::new() };
        let mut edges = Vec::new();
        for (keyword, inner) in map {
            let next = edges.len();
            match (keyword.as_str(), inner) {
                ("$ref", Value::String(reference)) => {
                    let target = pointer::of_reference(reference);
                    if let Some(target) = target.and_then(|target| self.root.pointer(&target)) {
                        self.edge(target, Group::Any(next), &mut edges);
                    }
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(choices)) => {
                    for choice in choices {
                        let group = self.group_of(choice, edges.len());
                        self.edge(choice, group, &mut edges);
                    }
                }
                ("not" | "if" | "then" | "else", inner) => {
                    self.edge(inner, Group::Any(next), &mut edges);
                }
                ("items" | "additionalItems" | "unevaluatedItems", inner) => {
                    self.each(inner, |_| Group::List(ITEMS), &mut edges);
                }
                ("prefixItems", inner) => self.each(inner, |_| Group::List(ITEMS), &mut edges),
                ("contains", inner) => self.edge(inner, Group::List(next), &mut edges),
                ("properties", Value::Object(named)) => {
                    named.values().for_each(|one| self.edge(one, Group::Map(KEYS), &mut edges));
                }
                ("additionalProperties" | "unevaluatedProperties", inner) => {
                    self.edge(inner, Group::Map(KEYS), &mut edges);
                }
                ("patternProperties" | "dependentSchemas", Value::Object(named)) => {
                    for (order, one) in named.values().enumerate() {
                        self.edge(one, Group::Map(next + order), &mut edges);
                    }
                }
                _ => {}
            }
        }
        edges
    }

    fn edge(&mut self, schema: &'v Value, group: Group, edges: &mut Vec<Edge>) {
        if schema.is_object() {
            let to = self.node(schema);
            edges.push(Edge { to, group });
        }
    }

    fn each(&mut self, inner: &'v Value, group: impl Fn(usize) -> Group, edges: &mut Vec<Edge>) {
        match inner {
            Value::Array(items) => {
                for (order, item) in items.iter().enumerate() {
                    self.edge(item, group(order), edges);
                }
            }
            one => self.edge(one, group(0), edges),
        }
    }

    /// The group of one form of a choice: by its type, if it names one.
    fn group_of(&self, choice: &Value, next: usize) -> Group {
        let mut schema = choice;
        for _ in 0..REFERENCES_MAX {
            let reference = schema.get("$ref").and_then(Value::as_str);
            let target = reference.and_then(pointer::of_reference);
            match target.and_then(|target| self.root.pointer(&target)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => Group::List(next + OTHERS),
            Some("object") => Group::Map(next + OTHERS),
            _ if is_case(schema) => Group::Case,
            _ => Group::Any(next),
        }
    }

    /// By schema, in how many ways one level of a value may be held against what is reached from it.
    fn ways(&self) -> Vec<u64> {
        let circles = Circles::of(self);
        let mut of_circle = vec![1_u64; circles.members.len()];
        // Circles are numbered from those that reach no other.
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(own) = circles.of.get(index).copied() else { continue };
            let within = node.edges.iter().filter(|edge| circles.of.get(edge.to) == Some(&own));
            let ways = ways_of(within.map(|edge| edge.group));
            if let Some(total) = of_circle.get_mut(own) {
                *total = total.saturating_mul(ways.max(1)).min(WAYS_MAX);
            }
        }
        let mut reached = of_circle;
        for (own, members) in circles.members.iter().enumerate() {
            let edges = members.iter().filter_map(|member| self.nodes.get(*member));
            let edges = edges.flat_map(|node| node.edges.iter());
            let beyond = edges.filter_map(|edge| reached.get(*circles.of.get(edge.to)?).copied());
            let most = beyond.max().unwrap_or(1);
            if let Some(total) = reached.get_mut(own) {
                *total = most.max(*total);
            }
        }
        let of_node = |own: &usize| reached.get(*own).copied().unwrap_or(1);
        circles.of.iter().map(of_node).collect()
    }
}

/// How many of the edges within a circle may matter for one value.
fn ways_of(groups: impl Iterator<Item = Group>) -> u64 {
    let mut seen: Vec<Group> = Vec::new();
    for group in groups {
        if !seen.contains(&group) {
            seen.push(group);
        }
    }
    let count = |is: fn(&Group) -> bool| seen.iter().filter(|group| is(group)).count() as u64;
    let any = count(|group| matches!(group, Group::Any(_) | Group::Case));
    any + count(|group| matches!(group, Group::List(_)))
        .max(count(|group| matches!(group, Group::Map(_))))
}

/// Whether a schema is a case of a discriminator, as they are written by the conversion.
fn is_case(schema: &Value) -> bool {
    let condition = schema.get("if").and_then(|condition| condition.get("properties"));
    let mut keys = condition.and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    schema.get("then").is_some() && keys.any(|key| key.get("const").is_some())
}

/// Most ways in which a value is described.
const WAYS_MAX: u64 = 10_000;
/// Longest chain of references that is followed for a type.
const REFERENCES_MAX: usize = 8;
/// Items of a list are told apart by their places, keys of a map by their names.
const ITEMS: usize = 0;
const KEYS: usize = 0;
/// Groups of forms are other ones than those of keywords.
const OTHERS: usize = 1 << 20;

#[cfg(test)]
mod tests;
