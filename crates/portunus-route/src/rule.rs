//! Rules: as they are given, and as they stand in a leaf.

use std::cmp::{Ordering, Reverse};

use portunus_base::RouteId;
use portunus_http::RequestHead;

use crate::path::Tier;
use crate::{Condition, ConnectionFacts, HostPattern, PathPattern, Why};

/// One way to a route. A route may have several, and all rules in written order have rising ids.
#[derive(Clone, Debug)]
pub struct RouteRule {
    /// The route.
    pub id: RouteId,
    /// The hosts.
    pub host: HostPattern,
    /// The paths.
    pub path: PathPattern,
    /// What else must hold, in any order. A restriction to listeners is one of them.
    pub conditions: Vec<Condition>,
}

/// A rule in its leaf: the host is known there.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: RouteId,
    pub(crate) tier: Tier,
    pub(crate) path: PathPattern,
    pub(crate) conditions: Vec<Condition>,
}

impl Rule {
    pub(crate) fn new(id: RouteId, path: PathPattern, conditions: Vec<Condition>) -> Self {
        Self { id, tier: path.tier(), path, conditions }
    }

    /// The first condition that does not hold.
    pub(crate) fn failed(
        &self,
        request: &RequestHead,
        connection: &ConnectionFacts,
    ) -> Option<&Condition> {
        self.conditions.iter().find(|condition| !condition.holds(request, connection))
    }

    /// The order of the rules of one path: more conditions first, then as written.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let rank = |rule: &Self| (Reverse(rule.conditions.len()), !rule.has_head_alone(), rule.id);
        rank(self).cmp(&rank(other))
    }

    /// Why `winner` beats this rule, which matches too.
    pub(crate) fn why_lost(&self, winner: &Self) -> Why {
        if self.path.shape() != winner.path.shape() {
            let regexes = self.tier == Tier::Regex && winner.tier == Tier::Regex;
            return if regexes { Why::Order } else { Why::Path };
        }
        let fewer = self.conditions.len() < winner.conditions.len();
        if fewer { Why::Conditions } else { Why::Order }
    }

    /// True when this rule holds wherever `other`, on the same path, does.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.conditions.iter().all(|wide| other.conditions.iter().any(|some| wide.covers(some)))
    }

    fn has_head_alone(&self) -> bool {
        let Some(Condition::Methods(methods)) = self.conditions.last() else { return false };
        methods.has_head_alone()
    }
}
