//! `anonymous`: an identity for those who showed none.

use std::sync::Arc;

use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict, identify,
};
use portunus_identity::Identity;
use portunus_spec::spec;
use portunus_telemetry::DecisionId;

spec! {
    /// Makes a request of nobody one of a consumer.
    ///
    /// It comes after filters with `optional: true`, or after an `any_of` with it. A request with an identity is let alone.
    pub struct AnonymousSpec {
        short = consumer;
        /// The consumer; without it the request has the subject `anonymous` and no consumer.
        consumer: Option<String>,
    }
}

impl Buildable for AnonymousSpec {
    const NAME: &'static str = "anonymous";
    const DOC: &'static str = "Makes a request of nobody one of a consumer.";
    const REASONS: &'static [FilterReason] = &[FilterReason::new(
        "auth.unknown_consumer",
        503,
        "The consumer that stands for nobody is not known.",
    )];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let decision = cx.decision("passed");
        Some(Arc::new(Anonymous { consumer: self.consumer, decision }))
    }
}

struct Anonymous {
    consumer: Option<String>,
    decision: DecisionId,
}

impl Filter for Anonymous {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        if exchange.identity.is_some() {
            return Verdict::Continue;
        }
        let Some(identity) = self.identity(cx) else {
            let reply = Reply::problem(503, "auth.unknown_consumer");
            return Verdict::reply(reply.with_detail("The gateway lacks a consumer."));
        };
        cx.count(self.decision);
        cx.note(|| format!("it is {}", identity.name()));
        identify(exchange, Arc::new(identity));
        Verdict::Continue
    }
}

impl Anonymous {
    fn identity(&self, cx: &FilterCx<'_>) -> Option<Identity> {
        let nobody = Identity {
            method: AnonymousSpec::NAME,
            subject: AnonymousSpec::NAME.into(),
            ..Identity::default()
        };
        let Some(name) = &self.consumer else { return Some(nobody) };
        let consumers = cx.directory.load();
        let consumer = consumers.by_name(name)?;
        Some(Identity {
            consumer: Some(Arc::clone(consumer)),
            groups: consumer.groups.clone(),
            ..nobody
        })
    }
}

#[cfg(test)]
mod tests;
