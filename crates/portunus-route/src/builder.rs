//! From rules to a [`Router`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use portunus_base::RouteId;

use crate::hosts::Hosts;
use crate::rule::Rule;
use crate::{Condition, HostPattern, RouteRule, Router};

/// Collects rules.
#[derive(Debug, Default)]
pub struct RouterBuilder {
    rules: Vec<RouteRule>,
}

/// Two rules that match exactly the same requests, so that none can be the more specific one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conflict {
    /// The route that is written earlier.
    pub first: RouteId,
    /// The route that is written later.
    pub second: RouteId,
    /// The host of both.
    pub host: HostPattern,
    /// The path of both, as the second has it.
    pub path: String,
}

/// A rule that no request can reach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shadowed {
    /// Its route.
    pub route: RouteId,
    /// The route that takes its requests.
    pub by: RouteId,
}

/// What two rules of a conflict have in common.
type Key = (HostPattern, String, Vec<Condition>);

impl RouterBuilder {
    /// A builder without rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule. The order of adding does not matter: written order is the order of the ids.
    pub fn add(&mut self, rule: RouteRule) {
        self.rules.push(rule);
    }

    /// Compiles the rules.
    ///
    /// # Errors
    /// All pairs of rules that cannot be told apart.
    pub fn build(mut self) -> Result<Router, Vec<Conflict>> {
        self.rules.sort_by_key(|rule| rule.id);
        let (mut hosts, mut conflicts) = (Hosts::default(), Vec::new());
        let (mut seen, mut len) = (HashMap::new(), 0);
        for mut rule in self.rules {
            normalize(&mut rule.conditions);
            match twin(&mut seen, &rule) {
                // A route may say the same thing twice.
                Some(first) if first == rule.id => {}
                Some(first) => conflicts.push(Conflict::new(first, rule)),
                None => {
                    hosts.entry(rule.host).insert(Rule::new(rule.id, rule.path, rule.conditions));
                    len += 1;
                }
            }
        }
        hosts.sort();
        if conflicts.is_empty() { Ok(Router::new(hosts, len)) } else { Err(conflicts) }
    }
}

impl Conflict {
    fn new(first: RouteId, rule: RouteRule) -> Self {
        Self { first, second: rule.id, host: rule.host, path: rule.path.to_string() }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, host, path } = self;
        write!(
            f,
            "routes {first} and {second} match the same requests: host `{host}`, path `{path}`"
        )
    }
}

impl fmt::Display for Shadowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {} is never reached: route {} takes its requests", self.route, self.by)
    }
}

/// The earlier rule that matches what `rule` does, if there is one.
#[expect(clippy::mutable_key_type, reason = "a regex is compared and hashed by its source")]
fn twin(seen: &mut HashMap<Key, RouteId>, rule: &RouteRule) -> Option<RouteId> {
    let key = (rule.host.clone(), rule.path.shape(), rule.conditions.clone());
    match seen.entry(key) {
        Entry::Occupied(known) => Some(*known.get()),
        Entry::Vacant(place) => {
            place.insert(rule.id);
            None
        }
    }
}

fn normalize(conditions: &mut Vec<Condition>) {
    conditions.iter_mut().for_each(Condition::normalize);
    conditions.sort_unstable();
    conditions.dedup();
}

/// Finds the shadowed among the rules of one path, given in the order of trial.
pub(crate) fn shadowed_in(rules: &[Rule], shadowed: &mut Vec<Shadowed>) {
    for (at, rule) in rules.iter().enumerate() {
        if let Some(by) = rules.iter().take(at).find(|earlier| earlier.covers(rule)) {
            shadowed.push(Shadowed { route: rule.id, by: by.id });
        }
    }
}
