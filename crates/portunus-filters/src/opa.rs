//! `opa`: asks an Open Policy Agent whether a request may pass, by its REST API.

mod input;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply};
use portunus_filter::{
    Again, BuildCx, Buildable, CallAnswer, Filter, FilterCx, FilterReason, Interest, Verdict,
};
use portunus_http::{HeaderId, RequestHead, is_field_value, is_token_byte};
use portunus_spec::{Spanned, spec};
use serde_json::{Map, Value};

use crate::every::every;
use crate::inquiry::{
    CachePlan, CacheSpec, Counts, Decision, Destination, Edits, FailChoice, Form, Inquiry,
    NamePattern, may_write,
};
use portunus_filter::HeaderName;

spec! {
    /// Asks an Open Policy Agent whether a request may pass: `POST` of `{"input": ...}`, answered by
    /// `{"result": true}` or `{"result": {"allow": true, "headers": ...}}`.
    pub struct OpaSpec {
        short = to;
        /// The policy: an upstream's name and a path (`opa/v1/data/http/allow`), or a URL.
        to: Spanned<String>,
        /// Headers of the request that the policy sees. Without it: all.
        copy_request: Option<Vec<Spanned<String>>>,
        /// Headers of the result to set on the request, such as `X-User` or `X-User-*`. What the client sent under
        /// these names is always removed.
        copy_answer: Vec<Spanned<String>> = Vec::new(),
        /// Bound on the whole call.
        timeout: Duration = Duration::from_secs(5),
        /// What happens when the policy cannot be asked.
        fail: FailChoice = FailChoice::Closed,
        /// For how long answers are remembered. Without it: each request asks.
        cache: Option<CacheSpec>,
    }
}

impl Buildable for OpaSpec {
    const NAME: &'static str = "opa";
    const DOC: &'static str = "Asks an Open Policy Agent whether a request may pass.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new("auth.forward_denied", 403, "The policy does not allow the request."),
        FilterReason::new("auth.forward_failed", 503, "The policy could not be asked."),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let to = Destination::build(&self.to, cx);
        let read = |name: &Spanned<String>, cx: &mut BuildCx<'_, '_>| {
            HeaderName::read(name, name.span, cx.reader)
        };
        let copy_request = match &self.copy_request {
            Some(names) => every(names.iter().map(|name| read(name, cx))).map(Some),
            None => Some(None),
        };
        let guard = every(self.copy_answer.iter().map(|name| NamePattern::build(name, cx)));
        let cache = match &self.cache {
            Some(spec) => CachePlan::build(spec, cx).map(Some),
            None => Some(None),
        };
        let (to, guard): (_, Arc<[NamePattern]>) = (to?, guard?.into());
        let (upstream, copy_answer) = (to.upstream, Arc::clone(&guard));
        let form = Arc::new(Policy { to, copy_request: copy_request?, copy_answer });
        let (timeout, fail, counts) = (self.timeout, self.fail, Counts::new(cx));
        let inquiry = Inquiry { form, upstream, timeout, fail, cache: cache?, counts };
        Some(Arc::new(Opa { inquiry, guard }))
    }
}

struct Opa {
    inquiry: Inquiry,
    guard: Arc<[NamePattern]>,
}

impl Filter for Opa {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.guard.iter().any(|names| names.claims(name))
    }

    fn refuses(&self) -> bool {
        true
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.guard.iter().for_each(|names| names.strip(exchange));
        self.inquiry.ask(exchange, &Bytes::new(), cx)
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        self.inquiry.resume(exchange, again, cx)
    }
}

struct Policy {
    to: Destination,
    /// None for all.
    copy_request: Option<Vec<HeaderName>>,
    copy_answer: Arc<[NamePattern]>,
}

impl Form for Policy {
    fn question(&self, exchange: &Exchange, _body: &Bytes) -> (RequestHead, Bytes) {
        let mut head = self.to.head(b"POST", exchange);
        head.headers.set_id(HeaderId::ContentType, b"application/json");
        let input = input::of(exchange, self.copy_request.as_deref());
        (head, input.to_string().into())
    }

    fn decision(&self, answer: CallAnswer) -> Option<Decision> {
        if answer.status != 200 {
            return None;
        }
        let document: Value = serde_json::from_slice(&answer.body).ok()?;
        let nothing = Map::new();
        let (allow, result) = match document.as_object()?.get("result") {
            // A policy that says nothing of the request does not allow it.
            None => (false, &nothing),
            Some(Value::Bool(allow)) => (*allow, &nothing),
            Some(Value::Object(result)) => {
                (result.get("allow") == Some(&Value::Bool(true)), result)
            }
            Some(_) => return None,
        };
        Some(match allow {
            true => Decision::Allow(self.edits(result)),
            false => Decision::Deny(Box::new(refusal(result))),
        })
    }
}

impl Policy {
    fn edits(&self, result: &Map<String, Value>) -> Edits {
        let copied = |(name, _): &(Bytes, Bytes)| self.copy_answer.iter().any(|it| it.fits(name));
        let set = headers(result).filter(copied).collect();
        Edits { set, ..Edits::default() }
    }
}

fn refusal(result: &Map<String, Value>) -> Reply {
    let status = result.get("status").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (300..600).contains(status));
    let mut reply = Reply::problem(status.unwrap_or(403), "auth.forward_denied");
    reply.detail = result.get("message").and_then(Value::as_str).map(str::to_owned);
    reply.headers = headers(result).collect();
    reply
}

/// The headers of a result; those that nobody but the proxy may write are left out.
fn headers(result: &Map<String, Value>) -> impl Iterator<Item = (Bytes, Bytes)> {
    let entries = result.get("headers").and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| {
        let value = value.as_str()?;
        let token = !name.is_empty() && name.bytes().all(is_token_byte);
        let fits = token && is_field_value(value.as_bytes()) && may_write(name.as_bytes());
        fits.then(|| (Bytes::from(name.clone()), Bytes::from(value.to_owned())))
    })
}

#[cfg(test)]
mod tests;
