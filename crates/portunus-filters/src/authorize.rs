//! `authorize`: who may do what, by groups, scopes, consumers and an expression.

use std::sync::Arc;

use portunus_base::Wall;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_expression::{EvalError, Expression, Fault};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict};
use portunus_identity::Identity;
use portunus_spec::{Problem, Spanned, check, spec};
use portunus_telemetry::DecisionId;

use crate::condition::condition;

spec! {
    /// Lets a request pass only when all that is written here holds for it. Stands after the filters that find out
    /// who asks.
    pub struct AuthorizeSpec {
        short = when;
        /// An expression in CEL that must be true: `request.method == "GET" || "editors" in identity.groups`.
        when: Option<Spanned<String>>,
        /// Groups, of which the caller must belong to one.
        groups: Vec<Spanned<String>> = Vec::new(),
        /// Scopes, which the credential must have all.
        scopes: Vec<Spanned<String>> = Vec::new(),
        /// Consumers, by name or id, of which the caller must be one.
        consumers: Vec<Spanned<String>> = Vec::new(),
        /// Status of the answer to all who may not. Without it: 403, and 401 when nobody said who asks.
        deny_status: Option<Spanned<u16>>,
        /// A sentence for that answer, in place of the one that tells which rule does not hold.
        message: Option<String>,
    }
}

impl Buildable for AuthorizeSpec {
    const NAME: &'static str = "authorize";
    const DOC: &'static str = "Lets a request pass by rules over request and identity.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::MISSING,
        FilterReason::FORBIDDEN,
        FilterReason::new(
            "auth.expression_cost",
            403,
            "The rule takes more steps for this request than an expression may.",
        ),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let lists = [&self.groups, &self.scopes, &self.consumers];
        if self.when.is_none() && lists.iter().all(|list| list.is_empty()) {
            let error = cx.reader.error(cx.span, "`authorize` has no rule");
            error.help("write an expression after it, or `groups`, `scopes` or `consumers`");
            return None;
        }
        let when = self.when.as_ref().map(|text| condition(text, cx));
        let fine = self.deny_status.as_ref().is_none_or(|status| {
            check(status, cx.reader, |status| match status {
                400..=599 => Ok(()),
                _ => Err(Problem::new("not a refusal").help("write a status from 400 to 599")),
            })
        });
        let when = match when {
            Some(compiled) => Some(compiled?),
            None => None,
        };
        let names =
            |list: Vec<Spanned<String>>| list.into_iter().map(|it| it.value.into()).collect();
        let authorize = Authorize {
            when,
            groups: names(self.groups),
            scopes: names(self.scopes),
            consumers: names(self.consumers),
            deny_status: self.deny_status.map(|status| status.value),
            message: self.message,
            allowed: cx.decision("allowed"),
            denied: cx.decision("denied"),
        };
        fine.then(|| Arc::new(authorize) as Arc<dyn Filter>)
    }
}

struct Authorize {
    when: Option<Expression>,
    groups: Box<[Box<str>]>,
    scopes: Box<[Box<str>]>,
    consumers: Box<[Box<str>]>,
    deny_status: Option<u16>,
    message: Option<String>,
    allowed: DecisionId,
    denied: DecisionId,
}

/// Which rule does not hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    When,
    Groups,
    Scopes,
    Consumers,
    /// The expression costs too much for this request.
    Cost,
}

impl Filter for Authorize {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn refuses(&self) -> bool {
        true
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.tell(exchange, cx);
        let Some(rule) = self.broken(exchange, cx.wall) else {
            cx.count(self.allowed);
            return Verdict::Continue;
        };
        cx.count(self.denied);
        Verdict::reply(self.refusal(rule, exchange))
    }
}

impl Authorize {
    /// The first rule that does not hold.
    fn broken(&self, exchange: &Exchange, now: Wall) -> Option<Rule> {
        let identity = exchange.identity.as_deref();
        let lists = [
            (Rule::Groups, self.in_group(identity)),
            (Rule::Scopes, self.has_scopes(identity)),
            (Rule::Consumers, self.is_consumer(identity)),
        ];
        let broken = lists.into_iter().find(|(_, holds)| !holds).map(|(rule, _)| rule);
        broken.or_else(|| match self.when.as_ref()?.eval_bool(exchange, now) {
            Ok(true) => None,
            Err(EvalError { fault: Fault::Cost, .. }) => Some(Rule::Cost),
            // What has no value is not true.
            Ok(false) | Err(_) => Some(Rule::When),
        })
    }

    fn in_group(&self, identity: Option<&Identity>) -> bool {
        self.groups.is_empty()
            || identity.is_some_and(|it| self.groups.iter().any(|group| it.has_group(group)))
    }

    fn has_scopes(&self, identity: Option<&Identity>) -> bool {
        self.scopes.iter().all(|scope| identity.is_some_and(|it| it.has_scope(scope)))
    }

    fn is_consumer(&self, identity: Option<&Identity>) -> bool {
        let consumer = identity.and_then(|it| it.consumer.as_deref());
        self.consumers.is_empty()
            || consumer.is_some_and(|it| {
                self.consumers.iter().any(|name| it.name == *name || it.id == *name)
            })
    }

    fn refusal(&self, rule: Rule, exchange: &Exchange) -> Reply {
        let about_identity = match rule {
            Rule::When => self.when.as_ref().is_some_and(Expression::reads_identity),
            Rule::Groups | Rule::Scopes | Rule::Consumers => true,
            Rule::Cost => false,
        };
        let unknown = about_identity && exchange.identity.is_none();
        let (status, reason) = match rule {
            Rule::Cost => (403, "auth.expression_cost"),
            _ if unknown => (401, "auth.missing"),
            _ => (403, "auth.forbidden"),
        };
        let status = self.deny_status.unwrap_or(status);
        let detail = self.message.as_deref().unwrap_or_else(|| rule.text());
        let reply = Reply::problem(status, reason).with_detail(detail);
        // A 401 must name a scheme (RFC 9110 section 15.5.2); which one the missing filter would want is not known.
        if status == 401 { reply.with_header("WWW-Authenticate", "Bearer") } else { reply }
    }

    /// Tells `explain` the value of each part.
    fn tell(&self, exchange: &Exchange, cx: &mut FilterCx<'_>) {
        if cx.notes.is_none() {
            return;
        }
        let identity = exchange.identity.as_deref();
        let lists = [
            ("groups", &self.groups, self.in_group(identity)),
            ("scopes", &self.scopes, self.has_scopes(identity)),
            ("consumers", &self.consumers, self.is_consumer(identity)),
        ];
        for (name, list, holds) in lists.into_iter().filter(|(_, list, _)| !list.is_empty()) {
            cx.note(|| format!("{name} [{}]: {holds}", list.join(", ")));
        }
        let Some(when) = &self.when else { return };
        let shown = |value: Result<bool, EvalError>| match value {
            Ok(value) => value.to_string(),
            Err(error) => format!("false, as {}", when.tell(&error)),
        };
        for part in when.parts(exchange, cx.wall) {
            cx.note(|| format!("`{}`: {}", part.text, shown(part.value)));
        }
        let whole = when.eval_bool(exchange, cx.wall);
        cx.note(|| format!("when: {}", shown(whole)));
    }
}

impl Rule {
    /// Names the rule, and nothing of its values.
    fn text(self) -> &'static str {
        match self {
            Self::When => "The rule `when` does not hold.",
            Self::Groups => "The rule `groups` does not hold.",
            Self::Scopes => "The rule `scopes` does not hold.",
            Self::Consumers => "The rule `consumers` does not hold.",
            Self::Cost => "The rule `when` takes too many steps.",
        }
    }
}

#[cfg(test)]
mod tests;
