//! The two ways to look at the rules whose path matches: for the winner, and for why there is none.

use std::ops::ControlFlow;

use portunus_http::RequestHead;

use crate::path::Tier;
use crate::rule::Rule;
use crate::tree::Visit;
use crate::{Condition, ConnectionFacts, Event, MethodSet, Recorder};

/// Looks for the most specific rule that matches wholly.
pub(crate) struct Search<'r, 'q, R> {
    request: &'q RequestHead,
    connection: &'q ConnectionFacts,
    recorder: &'q mut R,
    best: Option<&'r Rule>,
    /// All that match; stays empty unless they are told of.
    matched: Vec<&'r Rule>,
}

impl<'r, 'q, R: Recorder> Search<'r, 'q, R> {
    pub(crate) fn new(
        request: &'q RequestHead,
        connection: &'q ConnectionFacts,
        recorder: &'q mut R,
    ) -> Self {
        Self { request, connection, recorder, best: None, matched: Vec::new() }
    }

    /// The winner, once all leaves were shown or the walk ended.
    pub(crate) fn finish(self) -> Option<&'r Rule> {
        let winner = self.best?;
        let path = |rule: &Rule| rule.path.to_string();
        self.recorder.record(|| Event::Won { route: winner.id, path: path(winner) });
        for rule in self.matched.iter().filter(|rule| !std::ptr::eq(**rule, winner)) {
            let (route, by, why) = (rule.id, winner.id, rule.why_lost(winner));
            self.recorder.record(|| Event::Outranked { route, path: path(rule), by, why });
        }
        Some(winner)
    }

    /// True when no rule of this tier can win any more. Rules come in order within their tier, and
    /// those with `**` come before the rest of the complete ones.
    fn is_settled(&self, tier: Tier) -> bool {
        !R::ON && self.best.is_some_and(|best| best.tier <= tier)
    }

    fn take(&mut self, rule: &'r Rule) -> ControlFlow<()> {
        if self.best.is_none_or(|best| rule.tier < best.tier) {
            self.best = Some(rule);
        }
        if R::ON {
            self.matched.push(rule);
            return ControlFlow::Continue(());
        }
        if rule.tier == Tier::Rest { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl<'r, R: Recorder> Visit<'r> for Search<'r, '_, R> {
    fn step(&mut self) {
        self.recorder.step();
    }

    fn rules(&mut self, rules: &'r [Rule]) -> ControlFlow<()> {
        for rule in rules {
            if self.is_settled(rule.tier) {
                return ControlFlow::Continue(());
            }
            self.recorder.step();
            match rule.failed(self.request, self.connection) {
                None => self.take(rule)?,
                Some(condition) => self.recorder.record(|| Event::Failed {
                    route: rule.id,
                    failure: condition.failure(self.request, self.connection),
                }),
            }
        }
        ControlFlow::Continue(())
    }
}

/// Looks for what a request that nothing matches should have been.
pub(crate) struct Allowed<'q> {
    pub(crate) request: &'q RequestHead,
    pub(crate) connection: &'q ConnectionFacts,
    pub(crate) path_known: bool,
    pub(crate) methods: MethodSet,
}

impl<'r> Visit<'r> for Allowed<'_> {
    fn step(&mut self) {}

    fn rules(&mut self, rules: &'r [Rule]) -> ControlFlow<()> {
        for rule in rules {
            match rule.failed(self.request, self.connection) {
                Some(Condition::Listeners(_)) => continue,
                // Methods come last, so all else holds.
                Some(Condition::Methods(methods)) => self.methods.extend(methods),
                _ => {}
            }
            self.path_known = true;
        }
        ControlFlow::Continue(())
    }
}
