//! Circles of schemas that reach each other.

use super::{Edge, Graph};

/// Circles of schemas that reach each other (Tarjan's strongly connected components), without recursion.
pub(super) struct Circles {
    /// By node.
    pub(super) of: Vec<usize>,
    pub(super) members: Vec<Vec<usize>>,
}

impl Circles {
    pub(super) fn of(graph: &Graph<'_>) -> Self {
        let count = graph.nodes.len();
        let mut search = Search {
            graph,
            order: vec![None; count],
            low: vec![0; count],
            on_path: vec![false; count],
            path: Vec::new(),
            next: 0,
            found: Self { of: vec![0; count], members: Vec::new() },
        };
        (0..count).for_each(|node| search.from(node));
        search.found
    }
}

struct Search<'g, 'v> {
    graph: &'g Graph<'v>,
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    on_path: Vec<bool>,
    path: Vec<usize>,
    next: usize,
    found: Circles,
}

impl Search<'_, '_> {
    fn from(&mut self, start: usize) {
        let mut calls = vec![(start, 0)];
        while let Some((node, edge)) = calls.pop() {
            if edge == 0 && !self.enter(node) {
                continue;
            }
            let target = self.graph.nodes.get(node).and_then(|node| node.edges.get(edge));
            let Some(Edge { to, .. }) = target.copied() else {
                self.leave(node);
                if let Some((parent, _)) = calls.last() {
                    self.lower(*parent, self.low_of(node));
                }
                continue;
            };
            calls.push((node, edge + 1));
            match self.order.get(to).copied().flatten() {
                None => calls.push((to, 0)),
                Some(order) if self.on_path.get(to) == Some(&true) => self.lower(node, order),
                Some(_) => {}
            }
        }
    }

    /// Whether the node is new.
    fn enter(&mut self, node: usize) -> bool {
        let (next, Some(order)) = (self.next, self.order.get_mut(node)) else { return false };
        if order.is_some() {
            return false;
        }
        *order = Some(next);
        set(&mut self.low, node, next);
        set(&mut self.on_path, node, true);
        self.path.push(node);
        self.next += 1;
        true
    }

    fn leave(&mut self, node: usize) {
        if self.order.get(node).copied().flatten() != Some(self.low_of(node)) {
            return;
        }
        let mut members = Vec::new();
        while let Some(member) = self.path.pop() {
            set(&mut self.on_path, member, false);
            set(&mut self.found.of, member, self.found.members.len());
            members.push(member);
            if member == node {
                break;
            }
        }
        self.found.members.push(members);
    }

    fn low_of(&self, node: usize) -> usize {
        self.low.get(node).copied().unwrap_or(0)
    }

    fn lower(&mut self, node: usize, to: usize) {
        let low = self.low_of(node).min(to);
        set(&mut self.low, node, low);
    }
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(place) = list.get_mut(at) {
        *place = value;
    }
}
