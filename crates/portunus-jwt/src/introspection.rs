//! `introspection`: asks the authorisation server whether a token is good (RFC 7662).

mod endpoint;
mod flights;

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_base::Wall;
use portunus_exchange::{Exchange, Phase, PhaseSet, ProxyError};
use portunus_filter::{
    Again, BuildCx, Buildable, CallAnswer, CallRequest, Filter, FilterCx, FilterReason, Interest,
    Patch, Resume, SlotId, Verdict,
};
use portunus_spec::{Named, Secret, Spanned, spec};
use serde_json::{Map, Value};

use crate::claims::IdentityRule;
use crate::gate::{AcceptedLocal, Gate, GateParts, Judged};
use crate::token_cache::{CacheBounds, TokenCache};
use crate::token_place::FromSpec;
use crate::{Fault, LEEWAY, Rules, TOKEN_BYTES_MAX, parse_object};
use endpoint::Endpoint;
use flights::{Boarding, Flights};

spec! {
    /// Asks the authorisation server whether a token is good (RFC 7662), and says who asks. For tokens of any form.
    pub struct IntrospectionSpec {
        short = endpoint;
        /// The server's introspection endpoint: a URL, or an upstream's name with a path (`auth/introspect`).
        endpoint: Spanned<String>,
        /// The name by which the server knows us.
        client_id: Option<String>,
        /// The secret that goes with it; both are sent as `Authorization: Basic`.
        client_secret: Option<Spanned<Secret>>,
        /// Whether tokens may go over plain `http://` to another machine.
        insecure: bool = false,
        /// Bound on one question.
        timeout: Duration = Duration::from_secs(5),
        /// How long a good token is remembered at most, and never beyond its `exp`. `0s` asks each time.
        cache: Duration = Duration::from_secs(60),
        /// How long a bad token is remembered.
        cache_denied: Duration = Duration::from_secs(5),
        /// Who must have made the token: the `iss` of the answer.
        issuer: Option<String>,
        /// For whom the token must be: one of these must be in the answer's `aud`. Without it, for whomever.
        audience: Vec<String> = Vec::new(),
        /// Claims that must be in the answer: one value, a list of which one must fit, or nothing for any value.
        claims: Named<Vec<String>> = Named::default(),
        /// Scopes that must all be in the answer's `scope`.
        scopes: Vec<String> = Vec::new(),
        /// Headers for the upstream, each with the claim that it tells. What the client sent under these names is always removed.
        forward_claims: Named<String> = Named::default(),
        /// Where the token stands. Without it: `Authorization: Bearer`.
        from: Option<FromSpec>,
        /// The claim that names the consumer. Credentials of consumers that are a claim are found without it.
        consumer_claim: Option<String>,
        /// The claim with the groups of who asks.
        groups_claim: String = "groups".to_owned(),
        /// Whether only tokens of consumers are let through.
        consumers_only: bool = false,
        /// Whether requests without a token pass too, as nobody. A bad token is still refused.
        optional: bool = false,
        /// Whether the token is taken out of the request to the upstream.
        strip: bool = false,
        /// What `WWW-Authenticate` calls this.
        realm: Spanned<String> = Spanned::none("api".to_owned()),
    }
}

impl Buildable for IntrospectionSpec {
    const NAME: &'static str = "introspection";
    const DOC: &'static str = "Asks the authorisation server whether a token is good.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::MISSING,
        FilterReason::INVALID,
        FilterReason::EXPIRED,
        FilterReason::FORBIDDEN,
        FAILED,
        FilterReason::BUSY,
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let endpoint = Endpoint::build(&self.endpoint, self.insecure, cx);
        let authorization = self.authorization(cx);
        let rules = Rules {
            issuer: self.issuer,
            audiences: self.audience,
            kind: None,
            leeway: LEEWAY,
            // The server says whether the token is over.
            needs_expiry: false,
            claims: self.claims.0.into_iter().map(|(name, it)| (name.value, it)).collect(),
            scopes: self.scopes,
        };
        let identity = IdentityRule {
            method: "introspection",
            consumer_claim: self.consumer_claim,
            groups_claim: self.groups_claim,
            consumers_only: self.consumers_only,
        };
        let parts = GateParts {
            from: self.from.as_ref(),
            rules,
            identity,
            forward_claims: &self.forward_claims,
            optional: self.optional,
            strip: self.strip,
            realm: &self.realm,
        };
        let gate = Gate::build(parts, cx);
        Some(Arc::new(Introspection {
            gate: gate?,
            endpoint: endpoint?,
            authorization: authorization?,
            timeout: self.timeout,
            cache: self.cache,
            cache_denied: self.cache_denied,
            slot: cx.slot(),
        }))
    }
}

impl IntrospectionSpec {
    /// What we show the server (RFC 6749 section 2.3.1).
    fn authorization(&self, cx: &mut BuildCx<'_, '_>) -> Option<Option<Bytes>> {
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) => Some(Some(crate::oauth::basic(id, secret.expose()).into())),
            (None, None) => Some(None),
            _ => {
                let message = "`client_id` and `client_secret` belong together";
                cx.reader.error(self.endpoint.span, message).help("write both, or none of them");
                None
            }
        }
    }
}

struct Introspection {
    gate: Gate,
    endpoint: Endpoint,
    authorization: Option<Bytes>,
    timeout: Duration,
    cache: Duration,
    cache_denied: Duration,
    slot: SlotId,
}

/// What a worker remembers of tokens that it asked for. Bad ones have a table of their own: whoever makes them up must
/// not drive out good ones.
#[derive(Default)]
struct AskedLocal {
    accepted: AcceptedLocal,
    denied: TokenCache<Fault>,
    /// Questions that are open.
    flights: Flights,
}

impl Filter for Introspection {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn guards(&self, name: &[u8]) -> bool {
        self.gate.guards(name)
    }

    fn refuses(&self) -> bool {
        !self.gate.is_optional()
    }

    fn forget(&self, exchange: &mut Exchange) {
        self.gate.hide(exchange);
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        self.gate.prepare(exchange);
        self.gate.judge(exchange, cx, |token, cx| self.check(token, cx))
    }

    fn on_again(&self, exchange: &mut Exchange, again: Again, cx: &mut FilterCx<'_>) -> Verdict {
        let answer = again.state.and_then(|state| state.downcast::<Rc<Answer>>().ok());
        self.gate.judge(exchange, cx, |token, cx| match answer {
            Some(answer) => self.conclude(token, &answer, cx),
            // Who asked for it has gone before there was an answer.
            None => self.check(token, cx),
        })
    }
}

impl Introspection {
    fn check(&self, token: &[u8], cx: &mut FilterCx<'_>) -> Judged {
        if token.len() > TOKEN_BYTES_MAX {
            return Judged::Refused(Fault::TooLong);
        }
        if cx.offline {
            cx.note(|| "the token is not asked for here".to_owned());
            return Judged::Unavailable(&FAILED);
        }
        let (consumers, now) = (cx.directory.load(), cx.wall);
        let local: &mut AskedLocal = cx.local(self.slot);
        if local.accepted.renew(0, &consumers) {
            local.denied.clear();
        }
        if let Some(accepted) = local.accepted.find(token, now) {
            return Judged::Accepted(accepted);
        }
        match local.denied.find(token, now) {
            Some(fault) => Judged::Refused(fault.clone()),
            None => self.ask(token, cx),
        }
    }

    /// Asks for a token, or waits for the answer to somebody who has asked for the same one.
    fn ask(&self, token: &[u8], cx: &mut FilterCx<'_>) -> Judged {
        let local: &mut AskedLocal = cx.local(self.slot);
        let landing = match local.flights.board(token) {
            Boarding::Full => return Judged::Unavailable(&FilterReason::BUSY),
            Boarding::Passenger(answer) => {
                return Judged::Wait(Verdict::Suspend(Box::pin(
                    async move { again(answer.await) },
                )));
            }
            Boarding::Pilot(landing) => landing,
        };
        let mut body = b"token=".to_vec();
        portunus_http::form_encode_into(token, &mut body);
        body.extend_from_slice(b"&token_type_hint=access_token");
        let mut head = self.endpoint.post();
        if let Some(authorization) = &self.authorization {
            head.headers.append(b"Authorization", authorization);
        }
        let call = cx.calls.call(CallRequest {
            upstream: self.endpoint.upstream,
            head,
            body: body.into(),
            timeout: self.timeout,
            answer_bytes_max: ANSWER_BYTES_MAX,
        });
        Judged::Wait(Verdict::Suspend(Box::pin(async move {
            let answer = Rc::new(Answer::read(call.await));
            landing.land(Rc::clone(&answer));
            again(Some(answer))
        })))
    }

    /// What follows from an answer, remembered.
    fn conclude(&self, token: &[u8], answer: &Answer, cx: &mut FilterCx<'_>) -> Judged {
        let (consumers, now) = (cx.directory.load(), cx.wall);
        let checked = match answer {
            Answer::Active(claims) => self
                .gate
                .rules
                .check(claims, now)
                .and_then(|()| self.gate.accept(claims.clone(), &consumers, now)),
            Answer::Inactive => Err(Fault::Inactive),
            Answer::None => return Judged::Unavailable(&FAILED),
        };
        let local: &mut AskedLocal = cx.local(self.slot);
        match checked {
            Ok(accepted) => {
                let latest = after(now, self.cache);
                local.accepted.keep(token, &accepted, latest, CacheBounds::of_tokens(KEPT));
                Judged::Accepted(accepted)
            }
            Err(fault) => {
                let end = after(now, self.cache_denied);
                let bounds = CacheBounds::of_tokens(KEPT_DENIED);
                local.denied.keep(token, fault.clone(), end, bounds);
                Judged::Refused(fault)
            }
        }
    }
}

/// What the server says of a token.
#[derive(Debug)]
enum Answer {
    /// It is good: its claims.
    Active(Map<String, Value>),
    /// It is not.
    Inactive,
    /// Nothing that can be understood.
    None,
}

impl Answer {
    fn read(answer: Result<CallAnswer, ProxyError>) -> Self {
        let Some(answer) = answer.ok().filter(|answer| answer.status == 200) else {
            return Self::None;
        };
        match parse_object(&answer.body) {
            Ok(claims) => match claims.get("active") {
                Some(Value::Bool(true)) => Self::Active(claims),
                Some(Value::Bool(false)) => Self::Inactive,
                _ => Self::None,
            },
            Err(_) => Self::None,
        }
    }
}

/// Once more, with an answer if there is one.
fn again(answer: Option<Rc<Answer>>) -> Resume {
    let state = answer.map(|answer| Box::new(answer) as Box<dyn Any>);
    Resume::Again(Patch::default(), Again { step: 1, state })
}

fn after(now: Wall, by: Duration) -> Wall {
    Wall(now.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
}

const FAILED: FilterReason = FilterReason::new(
    "auth.introspection_failed",
    503,
    "The authorisation server could not be asked for the token.",
);

/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How many good tokens a worker remembers.
const KEPT: usize = 4096;

/// How many bad ones.
const KEPT_DENIED: usize = 1024;

#[cfg(test)]
mod tests;
