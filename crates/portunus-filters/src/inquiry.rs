//! Asking a service whether a request may pass: the call, the memory of its answers, and what is made of them.
//!
//! In which form it is asked, and how its answer is read, is for a [`Form`] to say.

mod cache;
mod destination;
mod flight;
mod guard;

pub(crate) use cache::{CachePlan, CacheSpec};
pub(crate) use destination::Destination;
pub(crate) use guard::{NamePattern, may_write};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_base::UpstreamId;
use portunus_exchange::{Exchange, ProxyError, Reply};
use portunus_filter::{
    Again, BuildCx, CallAnswer, CallRequest, FilterCx, LocalFuture, Patch, Resume, Verdict,
};
use portunus_http::RequestHead;
use portunus_identity::KeyHash;
use portunus_spec::spec_enum;
use portunus_telemetry::DecisionId;

use cache::{AnswerCache, Times};
use flight::Joined;

spec_enum! {
    /// What happens when the service cannot be asked.
    pub enum FailChoice {
        /// The request is answered with 503.
        Closed = "closed",
        /// The request goes on, without what the service would have added.
        Open = "open",
    }
}

/// In which form a service is asked.
pub(crate) trait Form: Send + Sync {
    /// What it is asked about a request.
    fn question(&self, exchange: &Exchange, body: &Bytes) -> (RequestHead, Bytes);

    /// What must be the same for its answer to hold for another request: the question, but for what is of one request
    /// alone.
    fn identity(&self, _exchange: &Exchange, _body: &Bytes, question: &Bytes) -> Bytes {
        question.clone()
    }

    /// What its answer says; None when it says nothing that makes sense.
    fn decision(&self, answer: CallAnswer) -> Option<Decision>;
}

/// What a service says.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The request may pass, with these edits.
    Allow(Edits),
    /// The client gets this.
    Deny(Box<Reply>),
}

/// Edits that a service wants made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits {
    /// Headers of the request to remove, before all else.
    pub(crate) remove: Vec<Bytes>,
    /// Headers of the request to set.
    pub(crate) set: Vec<(Bytes, Bytes)>,
    /// Headers of the request to add to those of that name.
    pub(crate) append: Vec<(Bytes, Bytes)>,
    /// Headers that the answer to the client gets, whoever makes it.
    pub(crate) to_client: Vec<(Bytes, Bytes)>,
}

/// A service that is asked.
pub(crate) struct Inquiry {
    pub(crate) form: Arc<dyn Form>,
    pub(crate) upstream: UpstreamId,
    pub(crate) timeout: Duration,
    pub(crate) fail: FailChoice,
    pub(crate) cache: Option<CachePlan>,
    pub(crate) counts: Counts,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    allowed: DecisionId,
    denied: DecisionId,
    failed: DecisionId,
    remembered: DecisionId,
}

impl Counts {
    pub(crate) fn new(cx: &mut BuildCx<'_, '_>) -> Self {
        Self {
            allowed: cx.decision("allowed"),
            denied: cx.decision("denied"),
            failed: cx.decision("failed"),
            remembered: cx.decision("remembered"),
        }
    }
}

/// What came of a question; what the filter keeps over the wait.
struct Outcome {
    /// None when the service could not be asked.
    decision: Option<Decision>,
    /// The question, where its answer is remembered.
    key: Option<KeyHash>,
    /// This exchange is the one that asked.
    leads: bool,
}

impl Inquiry {
    /// Asks, or remembers what was said before.
    pub(crate) fn ask(
        &self,
        exchange: &mut Exchange,
        body: &Bytes,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let (head, question) = self.form.question(exchange, body);
        let identity = || self.form.identity(exchange, body, &question);
        let key = self.cache.as_ref().filter(|_| !cx.offline);
        let key = key.map(|plan| (plan, plan.key(exchange, &head, identity)));
        let request = CallRequest {
            upstream: self.upstream,
            head,
            body: question,
            timeout: self.timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let Some((plan, key)) = key else {
            let call = cx.calls.call(request);
            return suspend(Arc::clone(&self.form), call, None, None);
        };
        let now = cx.now;
        let cache: &mut AnswerCache = cx.local(plan.slot);
        if let Some(decision) = cache.find(&key, now) {
            cx.count(self.counts.remembered);
            cx.note(|| "the answer is remembered".to_owned());
            return self.settle(exchange, Some(decision), cx);
        }
        let flight = cache.join(key, plan.max);
        let call = cx.calls.call(request);
        suspend(Arc::clone(&self.form), call, Some(key), Some((flight, plan.times)))
    }

    /// Goes on after the wait.
    pub(crate) fn resume(
        &self,
        exchange: &mut Exchange,
        again: Again,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        let outcome = again.state.and_then(|state| state.downcast::<Outcome>().ok());
        let Some(outcome) = outcome else { return self.settle(exchange, None, cx) };
        if let (Some(plan), Some(key), true) = (&self.cache, outcome.key, outcome.leads) {
            let now = cx.now;
            let cache: &mut AnswerCache = cx.local(plan.slot);
            cache.land(&key);
            if let Some(decision) = &outcome.decision {
                cache.keep(plan, key, decision, now);
            }
        }
        self.settle(exchange, outcome.decision, cx)
    }

    fn settle(
        &self,
        exchange: &mut Exchange,
        decision: Option<Decision>,
        cx: &mut FilterCx<'_>,
    ) -> Verdict {
        match decision {
            Some(Decision::Allow(edits)) => {
                cx.count(self.counts.allowed);
                edits.make(exchange);
                Verdict::Continue
            }
            Some(Decision::Deny(reply)) => {
                cx.count(self.counts.denied);
                Verdict::Reply(reply)
            }
            None => {
                cx.count(self.counts.failed);
                self.failed(exchange)
            }
        }
    }

    fn failed(&self, exchange: &mut Exchange) -> Verdict {
        match self.fail {
            FailChoice::Open => {
                exchange.attributes.set("forward_auth", b"failed_open");
                Verdict::Continue
            }
            FailChoice::Closed => {
                let reply = Reply::problem(503, "auth.forward_failed");
                let reply = reply.with_detail("The authorisation service could not be asked.");
                Verdict::reply(reply)
            }
        }
    }
}

impl Edits {
    fn make(&self, exchange: &mut Exchange) {
        let headers = &mut exchange.request.headers;
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.set(name, value);
        }
        for (name, value) in &self.append {
            headers.append(name, value);
        }
        for (name, value) in &self.to_client {
            exchange.response_extra.append(name, value);
        }
    }
}

/// Waits for the answer: of this exchange's own call, or of another one's that asks the same.
fn suspend(
    form: Arc<dyn Form>,
    call: LocalFuture<Result<CallAnswer, ProxyError>>,
    key: Option<KeyHash>,
    joined: Option<(Joined, Times)>,
) -> Verdict {
    Verdict::Suspend(Box::pin(async move {
        let ask = async { call.await.ok().and_then(|answer| form.decision(answer)) };
        let (decision, leads) = match joined {
            None => (ask.await, true),
            Some((Joined::Leader(landing), times)) => {
                let decision = ask.await;
                // What may not be remembered is for this exchange alone; that nobody answers is so for all.
                if decision.as_ref().is_none_or(|decision| times.keeps(decision)) {
                    landing.with(decision.clone());
                }
                (decision, true)
            }
            // Whoever led may be gone before there was an answer, or has got one for itself.
            Some((Joined::Follower(flight), _)) => match flight.wait().await {
                Some(decision) => (decision, false),
                None => (ask.await, true),
            },
        };
        let state: Box<dyn std::any::Any> = Box::new(Outcome { decision, key, leads });
        Resume::Again(Patch::default(), Again { step: 0, state: Some(state) })
    }))
}

/// Largest answer; the rest is cut off.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
pub(crate) mod tests;
